/**
 * headcount: who is here, live. The client, for any page, for Node and for Deno.
 *
 *     import { connect } from "./headcount.js";
 *
 *     const room = connect("wss://example.org/ws", { room: "doc-1" });
 *     room.on("change", ({ joined, left }) => console.log("+", joined, "-", left));
 *     room.login("Ada", { data: { color: "teal" } });
 *
 * It stays connected, and after a reconnect, or a reload of the page, it goes on as who it was and
 * from the copy of each room that it has: others see nothing of it, and only what has changed since
 * is sent. A digest in each message proves that a copy is right; one that is not is replaced.
 *
 * A link that falls silent is noticed: within 40 s while the page is visible, and within 10 s of a
 * request, or of a return to the page or to the network. A page that is left is off the list some
 * seconds later, even if the browser keeps it for its "back" button.
 *
 * docs/app.md is the manual, headcount.d.ts has the types.
 */

const OPEN_WITHIN = 10_000; // ms; a connection attempt that hangs longer is given up
const START_WITHIN = 10_000; // ms; the same for the first roster, doubled with each failure …
const START_WITHIN_MOST = 80_000; // ms; … up to this: over a slow link a long one takes its time
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
const LOGOUT = 4000; // close code: whoever closes so is not held, and off the list at once
const PEACE = [1008, 1013]; // close codes: too much was asked (policy violation, try again later)
const HELLO_ROOMS = 32; // lest a hello be longer than a message may be; more are entered after it
const KEPT_MOST = 256 * 1024; // characters that a page leaves in sessionStorage, of about 5 million
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
  #seq = null;
  #count = null;
  #roster = new Roster();
  #isFollowed = false; // this connection has told how #roster goes on, and each change since
  #isMending = false; // #roster is wrong, and all of it is asked for anew
  #view; // what is to be told of the room: a Wish { view }
  #member; // this client in it: a Wish { name, status, data }
  #seat = {
    greet: (view) => this.#greet(view),
    begin: (isResumed) => this.#begin(isResumed),
    next: () => this.#next(),
    heard: (event, detail) => this.#receive(event, detail),
    enter: (state) => this.#enter(state),
    attend: (status) => this.name !== null && this.set({ status }),
    call: (room) => (this.#room = room),
    forget: () => this.#roster.disown(),
    keep: (isWhole) => this.#keep(isWhole),
    view: () => this.#view.value.view,
    room: this,
  };

  constructor(connection, room, view, isHome) {
    super();
    this.#connection = connection;
    this.#isHome = isHome;
    this.#room = room;
    const { member = [{ name: null }], copy } = connection.kept(room);
    this.#view = new Wish({ view });
    this.#member = new Wish(...member);
    if (connection.state !== "open") this.#state = connection.state;
    if (copy && view === "changes") this.#show(copy);
    this.#greet(null);
    connection.add(room, this.#seat);
  }

  get room() {
    return this.#room;
  }
  get state() {
    return this.#state;
  }
  get names() {
    return this.#roster.sorted;
  }
  get size() {
    return this.#roster.names.size;
  }
  get count() {
    return this.#count;
  }
  get seq() {
    return this.#seq;
  }
  get epoch() {
    return this.#roster.epoch;
  }

  has(name) {
    return this.#roster.names.has(name);
  }
  statusOf(name) {
    return this.#roster.statuses.get(name) ?? (this.has(name) ? "active" : null);
  }
  dataOf(name) {
    return this.#roster.datas.get(name) ?? NOTHING;
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
      const { granted, asked } = this.#view;
      const isEntered = granted.view !== null || asked !== null || this.#isMending;
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

  // With each connection the room begins anew. A hello that asks for this view enters it, from the
  // copy that there is; otherwise that is still to be asked.
  #greet(view) {
    this.#isFollowed = this.#isMending = false;
    const isEntered = this.#view.value.view === view;
    this.#view.renew({ view: isEntered ? view : null });
    return isEntered ? (view === "changes" ? this.#roster.at : null) : undefined;
  }

  // The server knows this client here, though perhaps by a name that was never confirmed: or to it
  // this is somebody new.
  #begin(isResumed) {
    const { granted } = this.#member;
    this.#member.renew(isResumed ? { ...granted, name: granted.name ?? "" } : { name: null });
    if (this.#view.granted.view === "none") this.#enter("open");
  }

  // The next request, if there is one and no other is on its way.
  #next() {
    const [view, member] = [this.#view, this.#member];
    const wish = view.wanted ? view : member;
    if (view.asked || member.asked || !wish.wanted) return null;
    const { name, ...options } = wish.ask();
    if (Object.keys(options.data ?? {}).length === 0) delete options.data;
    if (member.granted.name === null && options.status === "active") delete options.status;
    const isEntering = wish === view && view.granted.view === null;
    if (!this.#isHome || isEntering) options.room = this.#room;
    if (isEntering && options.view === "changes") {
      options.at = this.#isMending ? null : (this.#roster.at ?? undefined);
    }
    let message = ["login", name, options];
    if (wish === view) message = [isEntering ? "enter" : "view", options];
    else if (name === undefined) message = ["set", options];
    else if (name === null) message = ["logout", this.#isHome ? {} : { room: this.#room }];
    return { message, answered: (refusal, form) => this.#settle(wish, refusal, form) };
  }

  #settle(wish, refusal, form) {
    if (this.#state === "closed") return;
    if (refusal && wish === this.#view && this.#isMending) return this.#connection.lost();
    const { view } = this.#view.granted;
    const { name } = this.#member.granted;
    wish.answered(refusal, form);
    if (name !== this.#member.granted.name) this.#connection.save();
    if (refusal && wish === this.#view) {
      if (view === null) this.exit();
      else if (view === "changes" && !this.#isFollowed) this.#connection.lost();
    } else if (refusal && this.name === null) {
      wish.drop(refusal); // What was to be set besides was for the name that is refused.
    }
    if (this.#view.granted.view !== view) this.#look(this.#view.granted.view);
    if (refusal) this.#emit("error", refusal);
    this.#connection.ask(this.#seat);
  }

  // Another view is granted. What it brings comes after the answer.
  #look(view) {
    this.#isFollowed = false;
    if (view === "changes") return this.#enter("connecting");
    this.#roster = new Roster();
    if (view === "none") {
      this.#count = null;
      this.#enter("open");
    }
  }

  // ---- What the server says

  #receive(event, detail) {
    const { view } = this.#view.granted;
    if (event === "roster" && view === "changes") this.#replace(detail);
    if (event === "change" && view === "changes") this.#change(detail);
    if (event === "count" && view === "count") this.#recount(detail);
    if (event === "pong" && this.#isFollowed) this.#compare(detail);
    if (event === "error") this.#fail(detail);
  }

  #replace(detail) {
    const old = this.#roster.names;
    this.#roster.replace(detail);
    // The second time it is taken as it is: to ask for it again would bring nothing better.
    if (this.#isMending) this.#roster.believe(detail.digest);
    this.#isMending = false;
    this.#follow();
    const { epoch, seq, names, sorted } = this.#roster;
    const joined = sorted.filter((name) => !old.has(name));
    const left = [...old].filter((name) => !names.has(name));
    this.#emit("roster", { epoch, seq, names: sorted, joined, left });
    this.#compare(detail);
  }

  // One that has an epoch begins the room on this connection: it is the difference to the copy that
  // the server was told of. Each of the others follows the one before.
  #change(detail) {
    const isFirst = detail.epoch !== undefined && !this.#isMending;
    if (!isFirst && !this.#isFollowed) return; // of before another view, or to a copy that is wrong
    const { seq } = this.#roster;
    if (isFirst ? seq === null : detail.seq !== seq + 1) return this.#mend();
    const { joined, left, status = {}, data = {}, causes } = detail;
    this.#roster.apply(detail);
    this.#follow();
    const updated = new Set([...Object.keys(status), ...Object.keys(data)]);
    for (const name of joined) updated.delete(name);
    const why = causes && { causes };
    this.#emit("change", { seq: detail.seq, joined, left, updated: [...updated], ...why });
    this.#compare(detail);
  }

  // The copy is the room's, and goes with it from here on.
  #follow() {
    this.#isFollowed = true;
    this.#seq = this.#roster.seq;
    this.#count = this.#roster.names.size;
    this.#enter("open");
  }

  // A pong has the number of the last commit before it, if one of them has.
  #compare({ seq, digest = this.#roster.digest }) {
    if (seq === undefined) return;
    if (seq !== this.#roster.seq || digest !== this.#roster.digest) this.#mend();
  }

  // The copy is wrong, and a right one is asked for, once. Nothing is made of changes before that.
  #mend() {
    this.#isFollowed = false;
    if (this.#view.asked !== null) return; // the answer to that brings one, or another view
    this.#isMending = true;
    this.#view.renew({ view: null });
    this.#connection.ask(this.#seat);
  }

  // Requests have numbers, and errors of them too: this is a room of the hello that is refused.
  #fail(error) {
    if (error.room !== undefined && error.id === undefined && !this.#isHome) {
      this.#view.granted = { view: null };
      this.exit();
    }
    this.#emit("error", error);
  }

  // ---- Before a reload and after it

  #keep(isWhole) {
    const copy = isWhole && this.#roster.seq !== null ? this.#roster.whole() : undefined;
    return { member: this.#member.kept(), copy };
  }

  // It is there at once, and told as soon as there can be somebody who listens.
  #show(copy) {
    this.#roster.replace(copy);
    const { epoch, seq, names, sorted } = this.#roster;
    this.#seq = seq;
    this.#count = names.size;
    queueMicrotask(() => {
      if (this.#isFollowed || this.#state === "closed") return;
      this.#emit("roster", { epoch, seq, names: sorted, joined: sorted, left: [] });
    });
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

// A copy of a room, which proves itself: its digest is a sum over its entries, so that a change
// costs no more than it is long.
class Roster {
  epoch = null;
  seq = null; // null: there is no copy, or none that is vouched for
  names = new Set();
  statuses = new Map(); // name → its status; "active" goes without saying
  datas = new Map(); // name → what it has
  #sorted = Object.freeze([]); // the names as an array; null once out of date
  #sums = [0, 0];

  get sorted() {
    return (this.#sorted ??= Object.freeze([...this.names].sort(byCodePoint)));
  }

  get digest() {
    return this.#sums.map((sum) => sum.toString(16).padStart(8, "0")).join("");
  }

  // What the server is told of it, to go on from there.
  get at() {
    return this.seq === null ? null : [this.epoch, this.seq, this.digest];
  }

  replace({ epoch = null, seq, names, status = {}, data = {} }) {
    Object.assign(this, { epoch, seq, names: new Set(names) });
    this.#sorted = Object.freeze(names);
    this.statuses = new Map(Object.entries(status));
    this.datas = new Map(Object.entries(data));
    for (const own of this.datas.values()) Object.freeze(own);
    this.#sums = [0, 0];
    this.#count(this.names, 1);
  }

  apply({ epoch = this.epoch, seq, joined, left, status = {}, data = {} }) {
    Object.assign(this, { epoch, seq });
    const touched = [...left, ...joined, ...Object.keys(status), ...Object.keys(data)];
    this.#count(new Set(touched), -1);
    for (const name of left) {
      for (const had of [this.names, this.statuses, this.datas]) had.delete(name);
    }
    for (const name of joined) this.names.add(name);
    if (joined.length + left.length > 0) this.#sorted = null;
    for (const [name, own] of Object.entries(status)) this.statuses.set(name, own);
    for (const [name, own] of Object.entries(data)) {
      if (own === null) this.datas.delete(name);
      else this.datas.set(name, Object.freeze(own));
    }
    this.#count(new Set(touched), 1);
  }

  // If the server adds up otherwise, what counts from here on is the difference of each change.
  believe(digest) {
    this.#sums = [digest.slice(0, 8), digest.slice(8)].map((sum) => parseInt(sum, 16));
  }

  disown() {
    this.seq = null;
  }

  // In the form of the message.
  whole() {
    const { epoch, seq, statuses, datas } = this;
    const [status, data] = [statuses, datas].map((of) => Object.fromEntries(of));
    return { epoch, seq, names: this.sorted, status, data };
  }

  #count(names, sign) {
    const entries = [];
    for (const name of names) {
      if (!this.names.has(name)) continue;
      const own = this.datas.has(name) ? canonicalJson(this.datas.get(name)) : "";
      entries.push(`${name}\0${this.statuses.get(name) ?? "active"}\0${own}\n`);
    }
    const sums = hashes(entries.join(""));
    this.#sums = this.#sums.map((sum, lane) => (sum + sign * sums[lane]) >>> 0);
  }
}

const UTF8 = new TextEncoder();

// The sums of the hashes of entries, each of which ends with a line feed, since no name has one, nor
// has JSON. A hash is FNV-1a, in two lanes, with the finalizer of MurmurHash3. All are encoded at once,
// since that costs more for each than its hash.
function hashes(entries) {
  const bytes = UTF8.encode(entries);
  let [sumA, sumB] = [0, 0];
  for (let start = 0, end; start < bytes.length; start = end + 1) {
    let a = 0x811c9dc5;
    let b = 0x050c5d1f;
    for (end = start; bytes[end] !== 0x0a; end++) {
      a = Math.imul(a ^ bytes[end], 0x01000193);
      b = Math.imul(b ^ bytes[end], 0x9e3779b1);
    }
    sumA = (sumA + finalized(a ^ (end - start))) >>> 0;
    sumB = (sumB + finalized(b ^ (end - start))) >>> 0;
  }
  return [sumA, sumB];
}

function finalized(h) {
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

// RFC 8785. Numbers and strings are written as ECMAScript does, and `sort` is by UTF-16.
function canonicalJson(value) {
  if (Array.isArray(value)) return `[${value.map(canonicalJson)}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const keys = Object.keys(value).sort();
  return `{${keys.map((key) => `${JSON.stringify(key)}:${canonicalJson(value[key])}`)}}`;
}

// What is asked of the server about one thing, in three layers of which the upper hold: what it has
// granted on this connection, what it is being asked, and what it is still to be asked.
class Wish {
  granted;
  asked = null;
  wanted;
  #asking = []; // what settles the promises of `asked` …
  #waiting = []; // … and of `wanted`

  constructor(granted, wanted = null) {
    this.granted = granted;
    this.wanted = wanted;
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

  // On a new connection this is granted, and all else is to be asked for again. Whether the old one
  // has carried out what it was asked nobody knows.
  renew(granted) {
    this.wanted = beyond(this.value, granted);
    this.granted = granted;
    this.asked = null;
    this.#waiting.unshift(...this.#asking.splice(0));
    if (this.wanted === null) this.drop();
  }

  // What makes another one like it, after a reload.
  kept() {
    return [this.granted, beyond(this.value, this.granted)];
  }
}

// One link after the other, for all rooms together.
class Connection {
  home; // the room of the address
  state = "connecting";
  status; // of this page; undefined unless it is to be told
  #url;
  #WebSocket;
  #keepsake;
  #client; // what the server knows this client by, whatever connection it comes by
  #kept; // room → what was kept of it through a reload
  #seats = new Map(); // room → what is called of it here; the first is that of the address
  #isNamed = false; // the server has said what that is called
  #link = null;
  #resumed = null; // rooms in which this client is still somebody; null until the server says
  #helloRooms = HELLO_ROOMS;
  #isAnother = false; // the id was that of another client on this link, and has been changed
  #ears = new AbortController(); // what the page tells is listened to until this is aborted
  #timer; // the next attempt, or the end of the run of failures
  #failures = 0;
  #attemptedAt; // wall clock
  #byeWithin = 0; // ms; the server has said that it will close, and when to be back at the latest
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
    this.#keepsake = new Keepsake(this.#url);
    const { client, rooms } = this.#keepsake.read();
    this.#client = /^[0-9a-f]{32}$/.test(client) ? client : randomId();
    this.#kept = new Map(Object.entries(rooms ?? {}));
    this.home = new Room(this, name, view, true);
    this.#open();
    this.#listen();
    if (autoStatus) this.#attend(idleAfter);
  }

  // ---- Its rooms

  room(name) {
    return this.#seats.get(name)?.room;
  }

  // What was kept of a room is for whoever enters it first.
  kept(room) {
    const kept = this.#kept.get(room);
    this.#kept.delete(room);
    return kept ?? {};
  }

  add(room, seat) {
    this.#seats.set(room, seat);
    if (this.#resumed === null) return;
    seat.begin(this.#resumed.has(room));
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
    this.#drop(LOGOUT);
    this.#ears.abort();
    this.#keepsake.drop();
    this.#enter("closed");
  }

  // For the page after a reload, which may come at any time without a word.
  save() {
    const kept = (isWhole) => {
      const rooms = [...this.#seats].map(([room, seat]) => [room, seat.keep(isWhole)]);
      return JSON.stringify({ client: this.#client, rooms: Object.fromEntries(rooms) });
    };
    const all = kept(true);
    if (all.length > KEPT_MOST || !this.#keepsake.write(all)) this.#keepsake.write(kept(false));
  }

  // ---- The page around it. In a worker or in Node there is less of it, or nothing.

  #on(target, event, f) {
    target?.addEventListener?.(event, f, { signal: this.#ears.signal, passive: true });
  }

  #listen() {
    const { document } = globalThis;
    this.#on(globalThis, "online", () => this.#wake());
    this.#on(document, "visibilitychange", () => (isHidden() ? this.save() : this.#wake()));
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
    this.save();
    this.#drop();
    this.#isAway = true;
    this.#enter("waiting");
  }

  // The reader or the network is back: now, and not when some timer ends, it matters whether the
  // link is alive. None of this is a failure of the server, so that the back-off does not grow.
  #wake() {
    if (this.#link === null) {
      const spared = this.#retryAt - Date.now();
      if (spared <= 0) return this.reconnect();
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#open(), spared);
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
    const within = Math.min(START_WITHIN * 2 ** this.#failures, START_WITHIN_MOST);
    const socket = new this.#WebSocket(this.#url.href, "headcount.v2");
    this.#isAway = this.#isBack = this.#isAnother = false;
    this.#resumed = null;
    this.#byeWithin = 0;
    this.#attemptedAt = Date.now();
    this.#link = new Link(socket, within, {
      opened: () => this.#greet(),
      ready: () => this.#ready(),
      heard: (event, detail) => this.#receive(event, detail),
      slept: () => this.reconnect(),
      lost: (code) => this.lost(code),
    });
    this.#enter("connecting");
  }

  #drop(code) {
    clearTimeout(this.#timer);
    this.#link?.end(code);
    this.#link = null;
  }

  // A hello has one view for all its rooms, so it enters those that have that of the address. There
  // the server begins unasked; what it has named is named here if there is a copy to go on from.
  #greet() {
    const [home] = this.#seats.values();
    const view = home.view();
    const rooms = [...this.#seats]
      .map(([room, seat], i) => [room, seat.greet(i < this.#helloRooms ? view : null)])
      .filter(([, at], i) => at !== undefined && (at !== null || i > 0));
    const hello = { client: this.#client, rooms: Object.fromEntries(rooms), view };
    this.#link.greet(["hello", hello], view !== "none");
  }

  #welcome({ resumed = [] }) {
    this.#resumed = new Set(resumed);
    for (const [room, seat] of [...this.#seats]) {
      seat.begin(this.#resumed.has(room));
      this.ask(seat);
    }
  }

  // A duplicated tab begins with what the other has kept, and so with the other's id. If a hello is
  // refused for anything else, the next has nothing of it; rooms are asked for one by one.
  #refused(refusal) {
    this.#client = randomId();
    if (refusal.code === "client_in_use" && !this.#isAnother) {
      this.#isAnother = true;
      return this.#greet();
    }
    this.#helloRooms = 1;
    for (const seat of this.#seats.values()) seat.forget();
    this.lost();
    this.#seats.get(this.home.room)?.heard("error", refusal);
  }

  // Full jitter: a server that comes back must not be met by all its clients in the same instant.
  lost(code) {
    if (this.#isBack) return this.reconnect();
    this.#drop();
    const most = this.#byeWithin || Math.min(WAIT_MOST, WAIT_FIRST * 2 ** this.#failures++);
    const least = PEACE.includes(code) ? most : 0;
    const wait = least + WAIT_LEAST + Math.random() * Math.max(0, most - WAIT_LEAST);
    // The server wants to be left alone for so long, even by those who return.
    if (this.#byeWithin || least) this.#retryAt = Date.now() + wait;
    this.#timer = setTimeout(() => this.#open(), wait);
    this.#enter("waiting");
  }

  #ready() {
    this.#timer = setTimeout(() => (this.#failures = 0), STABLE_AFTER);
    this.state = "open";
  }

  // Whatever begins that is unknown here is the room of the address, under the name that the server
  // has for it.
  #nameHome(event, { room = "", epoch }) {
    const [[name, home]] = this.#seats;
    const begins = /^(roster|count)$/.test(event) || epoch !== undefined;
    if (this.#isNamed || !begins || home.view() === "none") return;
    if (this.#seats.has(room) && room !== name) return;
    this.#isNamed = true;
    this.#seats.delete(name);
    this.#seats = new Map([[room, home], ...this.#seats]);
    home.call(room);
  }

  #receive(event, detail) {
    this.#isBack = false;
    if (event === "bye" && detail.retry_ms > 0) {
      this.#byeWithin = Math.min(detail.retry_ms, RETRY_MOST);
    }
    if (event === "welcome") return this.#welcome(detail);
    if (event === "error" && this.#resumed === null) return this.#refused(detail);
    this.#nameHome(event, detail);
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
  #isWelcome = false; // the hello was answered: from here on there may be requests
  #isReady = false; // what the server has to begin with is here: a roster, a change or a number
  #isWatching; // if there is to be any of that
  #early = []; // what was to be sent since the hello, until the welcome
  #isOver = false;
  #isProbed = false; // either something comes in time or the link is dead
  #silentSince; // wall clock
  #queue = new Set(); // rooms that may have something to ask
  #requests = new Map(); // id → what its answer is for
  #lastId = 0;
  #left = BURST; // requests that may be sent at once
  #pace; // a timer, for one more

  constructor(socket, startWithin, owner) {
    this.#socket = socket;
    this.#owner = owner;
    // A socket that was dropped may still have events to deliver.
    const live = (f) => (event) => this.#isOver || f(event);
    socket.onopen = live(() => {
      this.#await(startWithin);
      owner.opened();
    });
    socket.onmessage = live(({ data }) => this.#receive(data));
    socket.onclose = socket.onerror = live(({ code }) => this.#fail(code));
    this.#await(OPEN_WITHIN);
  }

  end(code) {
    this.#isOver = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#pace);
    if (code === undefined) this.#socket.close();
    else this.#socket.close(code);
  }

  greet(hello, isWatching) {
    this.#isWatching = isWatching;
    this.#early = [];
    this.#socket.send(JSON.stringify(hello));
  }

  ask(seat) {
    if (!this.#isWelcome) return;
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
    if (this.#isOver) return;
    if (this.#isWelcome) this.#socket.send(JSON.stringify(message));
    else this.#early.push(message);
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
    if (event === "welcome") {
      this.#isWelcome = true;
      for (const message of this.#early.splice(0)) this.send(message);
    }
    const begins = this.#isWatching ? /^(roster|change|count)$/ : /^welcome$/;
    const isFirst = begins.test(event) && !this.#isReady;
    this.#isReady ||= isFirst;
    const answered = /^(ok|error)$/.test(event) ? this.#requests.get(detail.id) : undefined;
    if (answered) this.#requests.delete(detail.id);
    // Anything shows that the link is alive, but only its answer that a request was read.
    if (this.#isReady && this.#requests.size === 0) this.#rest();
    else if (this.#isReady && (answered || isFirst)) this.#expect();

    if (isFirst) this.#owner.ready();
    if (answered) answered(event === "error" ? detail : null, detail.name);
    else this.#owner.heard(event, detail);
  }
}

// What a page leaves behind for the page after a reload, in sessionStorage, which is its tab's
// alone: one item for each of its connections to a server. Without such a storage, or where it is
// blocked, all is kept in memory, and lasts as long as the page.
class Keepsake {
  static #taken = new Set();
  #key;

  constructor({ protocol, host, pathname }) {
    this.#key = `headcount.v2 ${protocol}//${host}${pathname.replace(/(\/ws)\/.*/, "$1")}`;
    while (Keepsake.#taken.has(this.#key)) this.#key += "+";
    Keepsake.#taken.add(this.#key);
  }

  read() {
    try {
      return JSON.parse(sessionStorage.getItem(this.#key)) ?? {};
    } catch {
      return {};
    }
  }

  // Whether it is kept.
  write(text) {
    try {
      sessionStorage.setItem(this.#key, text);
      return true;
    } catch {
      return false;
    }
  }

  drop() {
    Keepsake.#taken.delete(this.#key);
    try {
      sessionStorage.removeItem(this.#key);
    } catch {}
  }
}

// 128 bits: no two clients have the same.
function randomId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
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

// What of a wish is not granted yet; null if all of it is.
function beyond({ data = {}, ...others }, granted) {
  const had = { status: "active", ...granted };
  const rest = difference(others, had);
  const news = difference(data, granted.data ?? {});
  if (Object.keys(news).length > 0) rest.data = news;
  return Object.keys(rest).length > 0 ? rest : null;
}

function difference(wanted, had) {
  const isNew = ([key, value]) => canonicalJson(value ?? null) !== canonicalJson(had[key] ?? null);
  return Object.fromEntries(Object.entries(wanted).filter(isNew));
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
