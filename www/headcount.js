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
 *     http:, https: or relative to the page; without it, the server this module came from, or in a
 *     bundle the server of the page. `WebSocket` is a class to use in place of the global one (Node
 *     before 22 has none). Throws a TypeError if there is no such class, or no such address.
 *
 *     A link that falls silent is noticed: within 40 s while the page is visible, and within 10 s
 *     of a request, or of a return to the page or to the network. A new one takes its place, and
 *     what was asked for is asked for again there. A page that is left is off the list at once,
 *     even if the browser keeps it for its "back" button; shown again, it connects again.
 *
 * room.login(name)   This page is `name` from now on; again: a rename. Kept until connected.
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
 * canonical(name)    The form in which the server keeps nearly every name; room.name is exact.
 */

const OPEN_WITHIN = 10_000; // ms; a connection attempt that hangs longer is given up
const ROSTER_WITHIN = 10_000; // ms; the same for the first roster, doubled with each failure …
const ROSTER_WITHIN_MOST = 80_000; // ms; … up to this: over a slow link a long one takes its time
const PING_AFTER = 30_000; // ms; of silence; up to a sixth less, lest all clients ask at once
const ANSWER_WITHIN = 10_000; // ms; a link that brings nothing for so long after a ping is dead
const LAPSE = 45_000; // ms; a silence that the pings don't allow: the machine was asleep
const HIDDEN_LAPSE = 100_000; // ms; the same for a hidden page, whose timers run once a minute
const STABLE_AFTER = 30_000; // ms; a connection that lasts so long ends the run of failures
const STALE_AFTER = 2_000; // ms; an attempt that is older is not waited for after a return
const WAIT_LEAST = 500; // ms; even the luckiest client leaves a failing server this much peace
const WAIT_FIRST = 5_000; // ms; the longest first wait, doubled with each failure …
const WAIT_MOST = 60_000; // ms; … up to this
const RETRY_MOST = 600_000; // ms; a server may ask for a longer wait, but not for an endless one
const PEACE = [1008, 1013]; // close codes: too much was asked (policy violation, try again later)

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
  #link = null;
  #ears = new AbortController(); // what the page tells is listened to until this is aborted
  #timer; // the next attempt, or the end of the run of failures
  #failures = 0;
  #attemptedAt; // wall clock
  #retryAt = 0; // wall clock; no attempt is made before, if the server wishes so
  #isAway = false; // the page is not shown any more, and may come back
  #isBack = false; // it has come back, and nothing was heard since
  #state = "connecting";
  #seq = null;
  #names = new Set();
  #sorted = Object.freeze([]); // #names as an array; null once out of date
  #name = null; // the wish: it outlives connections
  #accepted = null; // what the server has made of it on this connection

  constructor(url, { WebSocket = globalThis.WebSocket } = {}) {
    super();
    this.#url = address(url);
    if (typeof WebSocket !== "function") {
      throw new TypeError(
        "There is no WebSocket here (Node has one from version 22 on). " +
          'Pass a class, such as that of the package "ws": connect(url, { WebSocket }).',
      );
    }
    this.#WebSocket = WebSocket;
    this.#open();
    this.#listen();
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
    this.#name = canonical(name);
    this.#link?.ask(this.#name);
  }

  logout() {
    this.#name = null;
    this.#link?.ask(null);
  }

  reconnect() {
    if (this.#state === "closed") return;
    this.#drop();
    this.#open();
  }

  close() {
    this.#drop();
    this.#ears.abort();
    this.#enter("closed");
  }

  // ---- The page around it. In a worker or in Node there is less of it, or nothing.

  #listen() {
    const on = (target, event, f) =>
      target?.addEventListener?.(event, f, { signal: this.#ears.signal });
    const { document } = globalThis;
    on(globalThis, "online", () => this.#wake());
    on(document, "visibilitychange", () => isHidden() || this.#wake());
    // Also fired when the page is first shown, which is no return.
    on(globalThis, "pageshow", ({ persisted }) => (persisted || this.#isAway) && this.#wake());
    // The browser may keep the page for its "back" button, with the socket open, and answer pings.
    on(globalThis, "pagehide", () => this.#leave());
  }

  #leave() {
    this.#drop();
    this.#isAway = true;
    this.#enter("waiting");
  }

  // The reader or the network is back: now, and not when some timer ends, it matters whether the
  // link is alive. None of this is a failure of the server, so that the back-off does not grow.
  #wake() {
    if (this.#link === null) {
      if (Date.now() >= this.#retryAt) this.reconnect();
    } else if (this.#state === "connecting" && Date.now() - this.#attemptedAt > STALE_AFTER) {
      this.reconnect();
    } else {
      // The news that a socket has died comes some milliseconds later than this.
      this.#isBack = true;
      this.#link.probe();
    }
  }

  // ---- Connections

  #open() {
    const within = Math.min(ROSTER_WITHIN * 2 ** this.#failures, ROSTER_WITHIN_MOST);
    const socket = new this.#WebSocket(this.#url.href, "headcount.v1");
    this.#isAway = this.#isBack = false;
    this.#accepted = null; // to the server, each connection is somebody new
    this.#attemptedAt = Date.now();
    this.#link = new Link(socket, within, {
      opened: () => this.#name !== null && this.#link.ask(this.#name),
      heard: (event, detail) => this.#receive(event, detail),
      refused: (name, refusal) => this.#refuse(name, refusal),
      answered: (name, isRefused, form) => this.#settle(name, isRefused, form),
      slept: () => this.reconnect(),
      lost: (code) => this.#lost(code),
    });
    this.#enter("connecting");
  }

  #drop() {
    clearTimeout(this.#timer);
    this.#link?.end();
    this.#link = null;
  }

  // Full jitter: a server that comes back must not be met by all its clients in the same instant.
  #lost(code) {
    if (this.#isBack) return this.reconnect();
    this.#drop();
    const most = Math.min(WAIT_MOST, WAIT_FIRST * 2 ** this.#failures++);
    const wait = WAIT_LEAST + Math.random() * (most - WAIT_LEAST);
    if (PEACE.includes(code)) this.#spare(most);
    const spared = Math.max(0, this.#retryAt - Date.now());
    this.#timer = setTimeout(() => this.#open(), spared + wait);
    this.#enter("waiting");
  }

  // The server wants to be left alone for so long, even by those who return.
  #spare(ms) {
    if (ms > 0) this.#retryAt = Date.now() + Math.min(ms, RETRY_MOST);
  }

  // ---- What the server says

  #receive(event, detail) {
    this.#isBack = false;
    if (event === "roster") this.#replace(detail);
    if (event === "change") this.#change(detail);
    // The number of the last commit before the pong. If that is another, so is the roster.
    if (event === "pong" && this.#state === "open" && detail.seq !== this.#seq) this.#lost();
    if (event === "bye") this.#spare(detail.retry_ms);
  }

  // A refusal undoes the wish, unless there is a newer one.
  #refuse(name, refusal) {
    if (name === this.#name) this.#name = this.#accepted;
    this.#emit("error", refusal);
  }

  // A request is done with, and there may have been another wish meanwhile. The pong says in which
  // form the server keeps the name: it knows more of Unicode than `canonical`.
  #settle(asked, isRefused, form = asked) {
    if (!isRefused) {
      if (this.#name === asked) this.#name = form;
      this.#accepted = form;
    }
    if (this.#name !== this.#accepted) this.#link.ask(this.#name);
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

// One connection, and whether it is alive. Only what it brings can tell: a socket whose other end
// is gone has a `readyState` of OPEN for minutes or hours, and takes all that is sent. So whatever
// is waited for has a deadline. There is one request at a time, with a ping behind it: the pong
// says that the request was read, and it was taken unless an error came before.
class Link {
  #socket;
  #room;
  #timer; // one is enough: for what is waited for
  #isOpen = false;
  #isReady = false; // the first roster is here
  #isOver = false;
  #isProbed = false; // either something comes in time or the link is dead
  #asked; // the name in the request that is not answered; null for a logout
  #isRefused = false; // an error came for it
  #pongs = 0; // how many are owed
  #silentSince; // wall clock

  constructor(socket, rosterWithin, room) {
    this.#socket = socket;
    this.#room = room;
    // A socket that was dropped may still have events to deliver.
    const live = (f) => (event) => this.#isOver || f(event);
    socket.onopen = live(() => {
      this.#isOpen = true;
      this.#await(rosterWithin);
      room.opened();
    });
    socket.onmessage = live(({ data }) => this.#receive(data));
    socket.onclose = socket.onerror = live(({ code }) => this.#fail(code));
    this.#await(OPEN_WITHIN);
  }

  end() {
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#socket.close();
  }

  // Asks for a name. While another request is on its way only the room keeps this one in mind.
  ask(name) {
    if (!this.#isOpen || this.#asked !== undefined) return;
    if (this.#hasSlept(lapse())) return this.#room.slept();
    this.#asked = name;
    this.#send(name === null ? ["logout"] : ["login", name]);
    this.#ping();
  }

  // Asks whether it is alive. Until now the page may have been hidden.
  probe(most = HIDDEN_LAPSE) {
    if (!this.#isReady || this.#isProbed) return;
    if (this.#hasSlept(most)) return this.#room.slept();
    this.#silentSince = Date.now();
    this.#ping();
  }

  #ping() {
    this.#pongs++;
    this.#send(["ping"]);
    if (this.#isReady) this.#expect();
  }

  #expect() {
    this.#isProbed = true;
    this.#await(ANSWER_WITHIN);
  }

  #send(message) {
    this.#socket.send(JSON.stringify(message));
  }

  // While a machine sleeps no timer runs, and the link may be dead without anybody's knowing.
  #hasSlept(most) {
    return Date.now() - this.#silentSince > most;
  }

  #await(ms) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#fail(), ms);
  }

  #rest() {
    this.#isProbed = false;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      if (!isHidden() || this.#hasSlept(HIDDEN_LAPSE)) return this.probe(lapse());
      // Nobody looks: it is asked when somebody does.
      this.#silentSince = Date.now();
      this.#rest();
    }, PING_AFTER * (5 / 6 + Math.random() / 6));
  }

  #fail(code) {
    this.end();
    this.#room.lost(code);
  }

  #receive(text) {
    let event, detail;
    try {
      [event, detail = {}] = JSON.parse(text);
    } catch {
      return this.#fail();
    }
    this.#silentSince = Date.now();
    const isFirst = event === "roster" && !this.#isReady;
    this.#isReady ||= isFirst;
    // Anything shows that the link is alive, but only a pong that the request was read.
    if (event === "pong" && this.#pongs > 0) this.#pongs--;
    const isAnswered = event === "pong" && this.#pongs === 0 && this.#asked !== undefined;
    if (this.#isReady && (isAnswered || this.#asked === undefined)) this.#rest();
    else if (isFirst) this.#expect();

    if (event === "error") this.#refuse(detail);
    else this.#room.heard(event, detail);
    if (isAnswered && !this.#isOver) this.#answer(detail.name);
  }

  #refuse(refusal) {
    this.#isRefused = this.#asked !== undefined;
    this.#room.refused(this.#asked, refusal);
  }

  #answer(form) {
    const [name, isRefused] = [this.#asked, this.#isRefused];
    this.#asked = undefined;
    this.#isRefused = false;
    this.#room.answered(name, isRefused, form);
  }
}

function isHidden() {
  return globalThis.document?.hidden === true;
}

function lapse() {
  return isHidden() ? HIDDEN_LAPSE : LAPSE;
}

// Bundlers take `new URL("…", import.meta.url)` for a file to be copied, so it is not written like
// that; and in what they make of this module its own address says nothing of the server.
function address(url) {
  const { document, location } = globalThis;
  const own = /^https?:/.test(import.meta.url) ? import.meta.url : undefined;
  const isBundled = !/\/headcount\.js(?:[?#]|$)/.test(own);
  const page = [document?.baseURI, location?.href, location?.origin];
  const bases = url === undefined && !isBundled ? [own] : [...page, own];
  for (const base of bases) {
    try {
      const found = new URL(url ?? (isBundled ? "/ws" : "ws"), base);
      found.protocol = found.protocol.replace("http", "ws");
      found.hash = "";
      if (/^wss?:$/.test(found.protocol)) return found;
    } catch {} // Not with this base, such as that of a worker made from a blob.
  }
  throw new TypeError(
    `${url ?? "No address"} leads to no server. Pass one: connect("wss://example.org/ws").`,
  );
}

// The server's order. That of `<`, by UTF-16, has the emoji before U+E000 to U+FFFF.
function byCodePoint(a, b) {
  for (let i = 0; ; i++) {
    const x = a.codePointAt(i) ?? -1;
    const y = b.codePointAt(i) ?? -1;
    if (x !== y || x < 0) return x - y;
  }
}
