/**
 * headcount: who is here, live. The client, for any page and for Node.
 *
 *     import { connect } from "./headcount.js";
 *
 *     const room = connect("wss://example.org/ws");
 *     room.on("roster", () => console.log("here:", room.names));
 *     room.on("change", ({ joined, left }) => console.log("+", joined, "-", left));
 *     room.on("error", ({ code, message }) => console.warn(code, message));
 *     room.login("Ada");
 *
 * connect(url?, { WebSocket }?)
 *     Connects, stays connected, and logs in again after each reconnect. `url` may be ws:, wss:,
 *     http:, https: or relative to the page; without it, the server this module came from.
 *     `WebSocket` is a class to use in place of the global one (Node before 22 has none).
 *
 * room.login(name)   This session is `name` from now on; again: a rename. Kept until connected.
 * room.logout()      Not any more; goes on watching.
 * room.reconnect()   Connects anew at once, without waiting out the delay.
 * room.close()       Disconnects, for good.
 *
 * room.names         The roster: a frozen array, sorted by code point. A change makes a new one.
 * room.size          How many names that is.
 * room.has(name)     Is this name, in canonical form, on the roster?
 * room.name          The name logged in with, in canonical form; null without. A refusal undoes it.
 * room.seq           The number of the last change seen, or null.
 * room.state         "connecting", "open" (the roster is live), "waiting" (to try again), "closed".
 *                    Unless it is "open", names, size and seq are the last known ones.
 *
 * room.on(event, f)  Calls f(detail) on each event; returns a function that ends this. The events:
 *     "state"   state                        room.state is another
 *     "roster"  { seq, names, joined, left } the whole roster, and its difference to the last
 *     "change"  { seq, joined, left }        who came and who went
 *     "error"   { code, message }            the server refused the last login or logout
 *
 * canonical(name)    The form in which the server keeps a name.
 */

const OPEN_WITHIN = 10_000; // ms; a connection attempt that hangs longer is given up
const STABLE_AFTER = 10_000; // ms; a connection that lasts so long ends the run of failures
const WAIT_LEAST = 500; // ms; even the luckiest client leaves a failing server this much peace
const WAIT_FIRST = 5_000; // ms; the longest first wait, doubled with each failure …
const WAIT_MOST = 60_000; // ms; … up to this

export function connect(url, options) {
  return new Room(url, options);
}

export function canonical(name) {
  return String(name)
    .replace(/[\uFE0E\uFE0F]/g, "") // first: a variation selector keeps NFC from composing
    .normalize("NFC")
    .replace(/\p{White_Space}+/gu, " ")
    .replace(/^ | $/g, ""); // trim() would take U+FEFF too, which is for the server to refuse
}

class Room extends EventTarget {
  #url;
  #WebSocket;
  #socket = null;
  #timer; // one is enough: each state waits for one thing at most
  #failures = 0;
  #state = "connecting";
  #seq = null;
  #names = new Set();
  #sorted = Object.freeze([]); // #names as an array; null once out of date
  #name = null;
  #before = null; // what #name was before the last request, and is again if that is refused

  constructor(url = new URL("ws", import.meta.url), { WebSocket = globalThis.WebSocket } = {}) {
    super();
    this.#url = new URL(url, globalThis.document?.baseURI);
    this.#url.protocol = this.#url.protocol.replace("http", "ws");
    this.#WebSocket = WebSocket;
    this.#open();
  }

  get names() {
    return (this.#sorted ??= Object.freeze([...this.#names].sort(byCodePoint)));
  }
  get size() {
    return this.#names.size;
  }
  get name() {
    return this.#name;
  }
  get seq() {
    return this.#seq;
  }
  get state() {
    return this.#state;
  }

  has(name) {
    return this.#names.has(name);
  }

  on(event, f) {
    const listener = ({ detail }) => f(detail);
    this.addEventListener(event, listener);
    return () => this.removeEventListener(event, listener);
  }

  login(name) {
    this.#request(canonical(name));
  }

  logout() {
    this.#request(null);
  }

  reconnect() {
    if (this.#state === "closed") return;
    this.#drop();
    this.#open();
  }

  close() {
    this.#drop();
    this.#enter("closed");
  }

  #request(name) {
    this.#before = this.#name;
    this.#name = name;
    if (this.#socket?.readyState === 1) this.#send(); // 1 is OPEN; if it is not yet, #open sends
  }

  #send() {
    this.#socket.send(JSON.stringify(this.#name === null ? ["logout"] : ["login", this.#name]));
  }

  #open() {
    const socket = (this.#socket = new this.#WebSocket(this.#url.href, "headcount.v1"));
    // A socket that was dropped may still have events to deliver: they are not for its successor.
    const current = (f) => (event) => socket === this.#socket && f(event);
    socket.onopen = current(() => {
      clearTimeout(this.#timer);
      this.#before = null; // to the server, each connection is a new session
      if (this.#name !== null) this.#send();
    });
    socket.onmessage = current(({ data }) => this.#receive(data));
    socket.onclose = socket.onerror = current(() => this.#lost());
    this.#timer = setTimeout(() => this.#lost(), OPEN_WITHIN);
    this.#enter("connecting");
  }

  #drop() {
    clearTimeout(this.#timer);
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
  }

  // Full jitter: a server that comes back must not be met by all its clients in the same instant.
  #lost() {
    this.#drop();
    const most = Math.min(WAIT_MOST, WAIT_FIRST * 2 ** this.#failures++);
    const wait = WAIT_LEAST + Math.random() * (most - WAIT_LEAST);
    this.#timer = setTimeout(() => this.#open(), wait);
    this.#enter("waiting");
  }

  #receive(text) {
    let event, detail;
    try {
      [event, detail] = JSON.parse(text);
    } catch {
      return this.#lost();
    }
    if (event === "roster") this.#replace(detail);
    if (event === "change") this.#change(detail);
    if (event === "error") {
      this.#name = this.#before;
      this.#emit("error", detail);
    }
  }

  #replace({ seq, names }) {
    const old = this.#names;
    this.#names = new Set(names);
    this.#sorted = Object.freeze(names);
    this.#seq = seq;
    const joined = names.filter((name) => !old.has(name));
    const left = [...old].filter((name) => !this.#names.has(name));
    if (this.#state !== "open") {
      this.#timer = setTimeout(() => (this.#failures = 0), STABLE_AFTER);
      this.#enter("open");
    }
    this.#emit("roster", { seq, names, joined, left });
  }

  #change({ seq, joined, left }) {
    // A change that does not follow the last means a roster that is wrong from here on. A new
    // connection brings a right one.
    if (this.#state !== "open" || seq !== this.#seq + 1) return this.#lost();
    for (const name of left) this.#names.delete(name);
    for (const name of joined) this.#names.add(name);
    this.#sorted = null;
    this.#seq = seq;
    this.#emit("change", { seq, joined, left });
  }

  #enter(state) {
    if (state === this.#state) return;
    this.#state = state;
    this.#emit("state", state);
  }

  #emit(event, detail) {
    this.dispatchEvent(new CustomEvent(event, { detail }));
  }
}

// The server's order. That of `<`, by UTF-16, has the emoji before U+E000 to U+FFFF.
function byCodePoint(a, b) {
  for (let i = 0; ; i++) {
    const x = a.codePointAt(i) ?? -1;
    const y = b.codePointAt(i) ?? -1;
    if (x !== y || x < 0) return x - y;
  }
}
