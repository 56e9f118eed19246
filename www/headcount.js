/**
 * headcount: who is here, live. The client, for any page, for Node and for Deno.
 *
 *     import { connect } from "./headcount.js";
 *
 *     const room = connect("wss://example.org/ws", { room: "doc-1" });
 *     room.on("change", ({ joined, left }) => console.log("+", joined, "-", left));
 *     room.login("Ada", { data: { color: "teal" } });
 *
 * It stays connected, and after each reconnect it asks again for all that was asked for: rooms,
 * views, names, data and statuses. A link that falls silent is noticed: within 40 s while the page
 * is visible, and within 10 s of a request, or of a return to the page or to the network. A page
 * that is left is off the list at once, even if the browser keeps it for its "back" button.
 *
 * docs/app.md is the manual, headcount.d.ts has the types.
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
const BURST = 30; // requests at once; after so many there is one …
const PACE = 250; // ms; … in this time: a little less than what a server allows
const INPUT = ["pointerdown", "pointermove", "keydown", "wheel"]; // somebody is there

const NOTHING = Object.freeze({});

const CLOSED = { code: "closed", message: "This room was left." };
const LATE = { code: "late", message: "The server has not answered yet." };
const NAMELESS = { code: "name_missing", message: "Log in first." };

/**
 * The address may be relative to the page. Without one it is that of the server that this module
 * came from, or in a bundle that of the page.
 * @type {typeof import("./headcount.js").connect}
 */
export function connect(url, options) {
  return new Connection(url, options).home;
}

/**
 * The form in which the server keeps nearly every name; `room.name` is exact.
 * @type {typeof import("./headcount.js").canonical}
 */
export function canonical(name) {
  return String(name)
    .replace(/[\uFE0E\uFE0F]/g, "") // first: a variation selector keeps NFC from composing
    .normalize("NFC")
    .replace(/\p{White_Space}+/gu, " ")
    .replace(/^ | $/g, ""); // trim() would take U+FEFF too, which is for the server to refuse
}

/** @implements {import("./headcount.js").Room} where each member has its type and meaning */
class Room extends EventTarget {
  #connection;
  #isHome; // the room of the connection's address, which a request need not name
  #room;
  #state = "connecting";
  #epoch = null;
  #seq = null;
  #count = null;
  #names = new Set();
  #sorted = Object.freeze([]); // #names as an array; null once out of date
  #statuses = new Map(); // name → "idle" or "hidden"
  #datas = new Map(); // name → what it has
  #isExact = false; // #names is the roster as of #seq, and changes keep it so
  #view; // what is to be told of the room: a Wish { view }
  #member = new Wish({ name: null }); // this client in it: { name, status, data }
  #seat = {
    begin: () => this.#begin(),
    next: () => this.#next(),
    heard: (event, detail) => this.#receive(event, detail),
    enter: (state) => this.#enter(state),
    attend: (status) => this.name !== null && this.set({ status }),
    room: this,
  };

  constructor(connection, room, view, isHome) {
    super();
    this.#connection = connection;
    this.#isHome = isHome;
    this.#room = room;
    this.#view = new Wish({ view });
    if (connection.state !== "open") this.#state = connection.state;
    this.#begin();
    connection.add(room, this.#seat);
  }

  get room() {
    return this.#room;
  }
  get state() {
    return this.#state;
  }
  get names() {
    return (this.#sorted ??= Object.freeze([...this.#names].sort(byCodePoint)));
  }
  get size() {
    return this.#names.size;
  }
  get count() {
    return this.#count;
  }
  get seq() {
    return this.#seq;
  }
  get epoch() {
    return this.#epoch;
  }

  has(name) {
    return this.#names.has(name);
  }
  statusOf(name) {
    return this.#statuses.get(name) ?? (this.#names.has(name) ? "active" : null);
  }
  dataOf(name) {
    return this.#datas.get(name) ?? NOTHING;
  }

  get name() {
    return this.#member.value.name;
  }
  get status() {
    return this.#member.value.status ?? "active";
  }
  get data() {
    return whole(this.#member.value).data;
  }

  login(name, { data, status = this.name === null ? this.#connection.status : null } = {}) {
    return this.#want(this.#member, { name: canonical(name), ...profile(data, status) });
  }

  logout() {
    const data = Object.fromEntries(Object.keys(this.data).map((key) => [key, null]));
    return this.#want(this.#member, { name: null, status: "active", data });
  }

  set({ data, status } = {}) {
    if (this.name !== null) return this.#want(this.#member, profile(data, status));
    this.#emit("error", NAMELESS);
    return rejected(NAMELESS);
  }

  view(view) {
    return this.#want(this.#view, { view });
  }

  enter(room, { view = "changes" } = {}) {
    const own = this.#connection.room(canonical(room));
    if (own && own.#view.value.view !== view) own.view(view);
    return own ?? new Room(this.#connection, canonical(room), view, false);
  }

  // The connection stays in the room of its address, but unseen and hearing nothing.
  exit() {
    if (this.#isHome) {
      this.logout();
      this.view("none");
    } else if (this.#state !== "closed") {
      const isEntered = this.#view.granted.view !== null || this.#view.asked !== null;
      this.#connection.remove(this.#room, isEntered);
      this.#enter("closed");
    }
  }

  reconnect() {
    this.#connection.reconnect();
  }

  close() {
    this.#connection.close();
  }

  on(event, f) {
    const listener = ({ detail }) => f(detail);
    this.addEventListener(event, listener);
    return () => this.removeEventListener(event, listener);
  }

  // ---- What is asked for

  #want(wish, patch) {
    if (this.#state === "closed") return rejected(CLOSED);
    const promise = wish.want(patch);
    this.#connection.ask(this.#seat);
    return promise;
  }

  // To the server, each connection is somebody new.
  #begin() {
    this.#isExact = false;
    this.#view.renew({ view: this.#isHome ? "changes" : null });
    this.#member.renew({ name: null });
  }

  // The next request, if there is one and no other is on its way.
  #next() {
    const [view, member] = [this.#view, this.#member];
    const wish = view.wanted ? view : member;
    if (view.asked || member.asked || !wish.wanted) return null;
    const { name, ...options } = wish.ask();
    if (Object.keys(options.data ?? {}).length === 0) delete options.data;
    if (member.granted.name === null && options.status === "active") delete options.status;
    if (!this.#isHome) options.room = this.#room;
    let message = ["login", name, options];
    if (wish === view) message = [view.granted.view === null ? "enter" : "view", options];
    else if (name === undefined) message = ["set", options];
    else if (name === null) message = ["logout", this.#isHome ? {} : { room: this.#room }];
    return { message, answered: (refusal, form) => this.#settle(wish, refusal, form) };
  }

  #settle(wish, refusal, form) {
    if (this.#state === "closed") return;
    const { view } = this.#view.granted;
    wish.answered(refusal, form);
    if (refusal && wish === this.#view) {
      if (view === null) this.exit();
      else if (view === "changes" && !this.#isExact) this.#connection.lost();
    } else if (refusal && this.name === null) {
      wish.drop(refusal); // What was to be set besides was for the name that is refused.
    }
    if (this.#view.granted.view !== view) this.#look(this.#view.granted.view);
    if (refusal) this.#emit("error", refusal);
    this.#connection.ask(this.#seat);
  }

  // Another view is granted. What it brings comes after the answer.
  #look(view) {
    this.#isExact = false;
    if (view === "changes") return this.#enter("connecting");
    if (view === "none") this.#count = null;
    this.#keep([], {}, {});
    if (view === "none") this.#enter("open");
  }

  // ---- What the server says

  #receive(event, detail) {
    if (event === "roster") this.#replace(detail);
    if (event === "change") this.#change(detail);
    if (event === "count" && this.#view.granted.view === "count") this.#recount(detail);
    if (event === "error") this.#emit("error", detail);
    // The number of the last commit before the pong. If that is another, so is the roster.
    const isOther = event === "pong" && detail.seq !== undefined && detail.seq !== this.#seq;
    if (isOther && this.#isExact) this.#connection.lost();
  }

  #replace({ room = "", epoch = null, seq, names, status = {}, data = {} }) {
    this.#room = room;
    this.#epoch = epoch;
    // The server begins with it, whatever is going to be asked for.
    if (this.#view.value.view !== "changes") return this.#recount({ seq, count: names.length });
    const old = this.#names;
    this.#keep(names, status, data);
    this.#seq = seq;
    this.#count = names.length;
    this.#isExact = true;
    const joined = names.filter((name) => !old.has(name));
    const left = [...old].filter((name) => !this.#names.has(name));
    this.#enter("open");
    this.#emit("roster", { epoch, seq, names, joined, left });
  }

  #keep(names, status, data) {
    this.#names = new Set(names);
    this.#sorted = Object.freeze(names);
    this.#statuses = new Map(Object.entries(status));
    this.#datas = new Map(Object.entries(data));
    for (const own of this.#datas.values()) Object.freeze(own);
  }

  #change({ seq, joined, left, status = {}, data = {} }) {
    if (!this.#isExact) return; // of before another view: a roster is on its way
    // A change that does not follow the last means a roster that is wrong from here on. A new
    // connection brings a right one.
    if (seq !== this.#seq + 1) return this.#connection.lost();
    this.#seq = seq;
    for (const name of left) {
      for (const had of [this.#names, this.#statuses, this.#datas]) had.delete(name);
    }
    for (const name of joined) this.#names.add(name);
    if (joined.length + left.length > 0) this.#sorted = null;
    this.#count = this.#names.size;
    for (const [name, own] of Object.entries(status)) this.#statuses.set(name, own);
    for (const [name, own] of Object.entries(data)) this.#datas.set(name, Object.freeze(own));
    const updated = new Set([...Object.keys(status), ...Object.keys(data)]);
    for (const name of joined) updated.delete(name);
    this.#emit("change", { seq, joined, left, updated: [...updated] });
  }

  #recount({ seq, count }) {
    this.#seq = seq;
    this.#count = count;
    this.#enter("open");
    this.#emit("count", { seq, count });
  }

  #enter(state) {
    if (state === this.#state || this.#state === "closed") return;
    this.#state = state;
    if (state === "closed") {
      for (const wish of [this.#view, this.#member]) wish.drop(CLOSED);
      this.#member.granted = { name: null };
    }
    this.#emit("state", state);
  }

  #emit(event, detail) {
    this.dispatchEvent(new CustomEvent(event, { detail }));
  }
}

// What is asked of the server about one thing, in three layers of which the upper hold: what it has
// granted on this connection, what it is being asked, and what it is still to be asked.
class Wish {
  granted;
  asked = null;
  wanted = null;
  #asking = []; // what settles the promises of `asked` …
  #waiting = []; // … and of `wanted`

  constructor(granted) {
    this.granted = granted;
  }

  get value() {
    return merged(merged(this.granted, this.asked), this.wanted);
  }

  // A promise that is settled with this, or with something newer that has taken its place.
  want(patch) {
    this.wanted = merged(this.wanted, patch);
    const promise = new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(failure(LATE)), ANSWER_WITHIN);
      this.#waiting.push((refusal) => {
        clearTimeout(late);
        if (refusal) reject(failure(refusal));
        else resolve();
      });
    });
    return quiet(promise);
  }

  ask() {
    [this.asked, this.wanted] = [this.wanted, null];
    [this.#asking, this.#waiting] = [this.#waiting, []];
    return this.asked;
  }

  // A refusal undoes what was asked, and not what is wanted since. The server knows more of Unicode
  // than `canonical`, and says in which form it keeps a name.
  answered(refusal, form) {
    if (!refusal) {
      this.granted = whole(merged(this.granted, this.asked));
      if (this.asked.name && form) this.granted.name = form;
    }
    this.asked = null;
    for (const settle of this.#asking.splice(0)) settle(refusal);
  }

  drop(refusal) {
    this.asked = this.wanted = null;
    for (const settle of [...this.#asking.splice(0), ...this.#waiting.splice(0)]) settle(refusal);
  }

  // On a new connection no more than this is granted, and all else is to be asked for again.
  renew(granted) {
    const wish = whole(this.value);
    this.granted = granted;
    this.asked = null;
    this.wanted = wish;
    this.#waiting.unshift(...this.#asking.splice(0));
    if (wish.name === granted.name && wish.view === granted.view) this.drop();
  }
}

// One link after the other, for all rooms together.
class Connection {
  home; // the room of the address
  state = "connecting";
  status; // of this page; undefined unless it is to be told
  #url;
  #WebSocket;
  #seats = new Map(); // room → what is called of it here
  #link = null;
  #ears = new AbortController(); // what the page tells is listened to until this is aborted
  #timer; // the next attempt, or the end of the run of failures
  #failures = 0;
  #attemptedAt; // wall clock
  #retryAt = 0; // wall clock; no attempt is made before, if the server wishes so
  #isAway = false; // the page is not shown any more, and may come back
  #isBack = false; // it has come back, and nothing was heard since

  constructor(url, { room, view = "changes", autoStatus, idleAfter, WebSocket } = {}) {
    this.#url = address(url);
    const name = room == null ? roomOf(this.#url) : canonical(room);
    if (room != null) this.#url.pathname = pathTo(name, this.#url.pathname);
    this.#WebSocket = WebSocket ?? globalThis.WebSocket;
    if (typeof this.#WebSocket !== "function") {
      throw new TypeError(
        "There is no WebSocket here (Node has one from version 22 on). " +
          'Pass a class, such as that of the package "ws": connect(url, { WebSocket }).',
      );
    }
    this.home = new Room(this, name, view, true);
    this.#open();
    this.#listen();
    if (autoStatus) this.#attend(idleAfter);
  }

  // ---- Its rooms

  room(name) {
    return this.#seats.get(name)?.room;
  }

  add(name, seat) {
    this.#seats.set(name, seat);
    this.ask(seat);
  }

  // This one has something to ask, perhaps.
  ask(seat) {
    this.#link?.ask(seat);
  }

  remove(room, isEntered) {
    this.#seats.delete(room);
    if (isEntered) this.#link?.send(["exit", { room }]);
  }

  reconnect() {
    if (this.state === "closed") return;
    this.#drop();
    this.#open();
  }

  close() {
    this.#drop();
    this.#ears.abort();
    this.#enter("closed");
  }

  // ---- The page around it. In a worker or in Node there is less of it, or nothing.

  #on(target, event, f) {
    target?.addEventListener?.(event, f, { signal: this.#ears.signal, passive: true });
  }

  #listen() {
    const { document } = globalThis;
    this.#on(globalThis, "online", () => this.#wake());
    this.#on(document, "visibilitychange", () => isHidden() || this.#wake());
    // Also fired when the page is first shown, which is no return.
    this.#on(globalThis, "pageshow", ({ persisted }) => (persisted || this.#isAway) && this.#wake());
    // The browser may keep the page for its "back" button, with the socket open, and answer pings.
    this.#on(globalThis, "pagehide", () => this.#leave());
  }

  // Tells whether the page is looked at and, if there is such a time, since when nobody stirs.
  #attend(idleAfter) {
    if (!globalThis.document) return;
    let timer;
    const tell = (status) => {
      if (status === this.status) return;
      this.status = status;
      for (const seat of [...this.#seats.values()]) seat.attend(status);
    };
    const stir = () => {
      clearTimeout(timer);
      tell(isHidden() ? "hidden" : "active");
      if (idleAfter && !isHidden()) timer = setTimeout(tell, idleAfter, "idle");
    };
    for (const event of INPUT) this.#on(globalThis, event, stir);
    this.#on(globalThis.document, "visibilitychange", stir);
    this.#on(this.#ears.signal, "abort", () => clearTimeout(timer));
    stir();
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
    } else if (this.state === "connecting" && Date.now() - this.#attemptedAt > STALE_AFTER) {
      this.reconnect();
    } else {
      // The news that a socket has died comes some milliseconds later than this.
      this.#isBack = true;
      this.#link.probe();
    }
  }

  // ---- Links

  #open() {
    const within = Math.min(ROSTER_WITHIN * 2 ** this.#failures, ROSTER_WITHIN_MOST);
    const socket = new this.#WebSocket(this.#url.href, "headcount.v1");
    this.#isAway = this.#isBack = false;
    this.#attemptedAt = Date.now();
    for (const seat of this.#seats.values()) seat.begin();
    this.#link = new Link(socket, within, {
      opened: () => this.#seats.forEach((seat) => this.ask(seat)),
      ready: (detail) => this.#ready(detail),
      heard: (event, detail) => this.#receive(event, detail),
      slept: () => this.reconnect(),
      lost: (code) => this.lost(code),
    });
    this.#enter("connecting");
  }

  #drop() {
    clearTimeout(this.#timer);
    this.#link?.end();
    this.#link = null;
  }

  // Full jitter: a server that comes back must not be met by all its clients in the same instant.
  lost(code) {
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

  // The first roster is that of the address, under the name that the server has for the room.
  #ready({ room = "" }) {
    const seat = this.#seats.get(this.home.room);
    this.#seats.delete(this.home.room);
    this.#seats.set(room, seat);
    this.#timer = setTimeout(() => (this.#failures = 0), STABLE_AFTER);
    this.state = "open";
  }

  #receive(event, detail) {
    this.#isBack = false;
    if (event === "bye") this.#spare(detail.retry_ms);
    this.#seats.get(detail.room ?? "")?.heard(event, detail);
  }

  #enter(state) {
    this.state = state;
    // One of them may be told something that brings another state.
    for (const seat of [...this.#seats.values()]) if (this.state === state) seat.enter(state);
  }
}

// One socket, and whether it is alive. Only what it brings can tell: one whose other end is gone
// has a `readyState` of OPEN for minutes or hours, and takes all that is sent. So whatever is
// waited for has a deadline. Each room has one request on its way at most.
class Link {
  #socket;
  #owner;
  #timer; // one is enough: for what is waited for
  #isOpen = false;
  #isReady = false; // the first roster is here
  #isOver = false;
  #isProbed = false; // either something comes in time or the link is dead
  #silentSince; // wall clock
  #queue = new Set(); // rooms that may have something to ask
  #requests = new Map(); // id → what its answer is for
  #lastId = 0;
  #left = BURST; // requests that may be sent at once
  #pace; // a timer, for one more

  constructor(socket, rosterWithin, owner) {
    this.#socket = socket;
    this.#owner = owner;
    // A socket that was dropped may still have events to deliver.
    const live = (f) => (event) => this.#isOver || f(event);
    socket.onopen = live(() => {
      this.#isOpen = true;
      this.#await(rosterWithin);
      owner.opened();
    });
    socket.onmessage = live(({ data }) => this.#receive(data));
    socket.onclose = socket.onerror = live(({ code }) => this.#fail(code));
    this.#await(OPEN_WITHIN);
  }

  end() {
    this.#isOver = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#pace);
    this.#socket.close();
  }

  ask(seat) {
    if (!this.#isOpen) return;
    this.#queue.add(seat);
    this.#pump();
  }

  // Asks whether it is alive. Until now the page may have been hidden.
  probe(most = HIDDEN_LAPSE) {
    if (!this.#isReady || this.#isProbed) return;
    if (this.#hasSlept(most)) return this.#owner.slept();
    this.#silentSince = Date.now();
    this.send(["ping"]);
    this.#expect();
  }

  send(message) {
    if (this.#isOpen && !this.#isOver) this.#socket.send(JSON.stringify(message));
  }

  // Each room gets its turn, as long as the server would not be asked too often.
  #pump() {
    for (const seat of this.#queue) {
      if (this.#isOver || this.#left === 0) return;
      if (this.#hasSlept(lapse())) return this.#owner.slept();
      this.#queue.delete(seat);
      const request = seat.next();
      if (request) this.#request(request);
    }
  }

  #request({ message, answered }) {
    const id = ++this.#lastId;
    message.at(-1).id = id;
    this.#requests.set(id, answered);
    this.send(message);
    if (this.#isReady && this.#requests.size === 1) this.#expect();
    this.#left--;
    this.#pace ??= setTimeout(() => this.#regain(), PACE);
  }

  #regain() {
    this.#left++;
    this.#pace = this.#left < BURST ? setTimeout(() => this.#regain(), PACE) : undefined;
    this.#pump();
  }

  #expect() {
    this.#isProbed = true;
    this.#await(ANSWER_WITHIN);
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
    this.#owner.lost(code);
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
    const answered = /^(ok|error)$/.test(event) ? this.#requests.get(detail.id) : undefined;
    if (answered) this.#requests.delete(detail.id);
    // Anything shows that the link is alive, but only its answer that a request was read.
    if (this.#isReady && this.#requests.size === 0) this.#rest();
    else if (this.#isReady && (answered || isFirst)) this.#expect();

    if (isFirst) this.#owner.ready(detail);
    if (answered) answered(event === "error" ? detail : null, detail.name);
    else this.#owner.heard(event, detail);
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

// The room that an address leads to. The first roster says it exactly.
function roomOf({ pathname }) {
  try {
    return canonical(decodeURIComponent(/\/ws\/(.*)/.exec(pathname)?.[1] ?? ""));
  } catch {
    return "";
  }
}

// A slash in the name is one in the path, where "." and ".." would mean something else.
function pathTo(room, base) {
  const steps = room === "" ? [] : room.split("/");
  if (steps.includes(".") || steps.includes("..")) throw new TypeError(`${room} is no room.`);
  return [base.replace(/\/$/, ""), ...steps.map(encodeURIComponent)].join("/");
}

// A copy, which the caller can't change any more. `null` is as good as nothing.
function profile(data, status) {
  return JSON.parse(JSON.stringify({ data: data ?? undefined, status: status ?? undefined }));
}

// What is spread keeps even a key `__proto__`, which an assignment would lose.
function merged(lower, upper) {
  const both = { ...lower, ...upper };
  if (lower?.data && upper?.data) both.data = { ...lower.data, ...upper.data };
  return both;
}

// Without the data that were taken away.
function whole({ data = {}, ...others }) {
  const left = Object.entries(data).filter(([, value]) => value !== null);
  return { ...others, data: Object.fromEntries(left) };
}

function failure({ code, message }) {
  return Object.assign(new Error(message), { code });
}

function rejected(refusal) {
  return quiet(Promise.reject(failure(refusal)));
}

// Nobody has to look at a promise: there is the event "error" as well.
function quiet(promise) {
  promise.catch(() => {});
  return promise;
}

// The server's order. That of `<`, by UTF-16, has the emoji before U+E000 to U+FFFF.
function byCodePoint(a, b) {
  for (let i = 0; ; i++) {
    const x = a.codePointAt(i) ?? -1;
    const y = b.codePointAt(i) ?? -1;
    if (x !== y || x < 0) return x - y;
  }
}
