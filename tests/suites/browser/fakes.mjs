// What the module meets in the tests: sockets that do what a test says, and a page around them.

import { Copies } from "./digest.mjs";

export const EPOCH = "00000000000000e0";

export class FakeSocket {
  static all = [];
  static get last() {
    return FakeSocket.all.at(-1);
  }
  static reset() {
    FakeSocket.all = [];
  }

  readyState = 0;
  hellos = []; // what each of them says
  sent = []; // all but hellos and pings, without their ids and empty options
  asked = []; // the ids of requests that have no answer yet
  pings = 0;
  closes = 0;
  code; // that it is closed with
  copies = new Copies(FakeSocket.last?.copies); // what the client has, for digests

  constructor(url, protocol) {
    Object.assign(this, { url, protocol });
    FakeSocket.all.push(this);
  }
  send(text) {
    const message = JSON.parse(text);
    if (message[0] === "ping") return this.pings++;
    if (message[0] === "hello") return this.hellos.push(message[1]);
    const { id, ...options } = message.pop();
    if (id !== undefined) this.asked.push(id);
    if (Object.keys(options).length > 0) message.push(options);
    this.sent.push(message);
  }
  close(code) {
    if (this.readyState < 2) this.closes++;
    this.readyState = 2;
    this.code = code;
  }

  // What the server and the network do.
  open(resumed = []) {
    this.openSilently();
    this.receive("welcome", { client: this.hellos.at(-1).client, resumed });
  }
  openSilently() {
    this.readyState = 1;
    this.onopen({});
  }
  // Each roster and each change has the digest of what it makes, unless the test has another.
  receive(event, detail) {
    if (event === "roster") detail = { epoch: EPOCH, ...detail };
    if (event === "roster" || event === "change") {
      this.seq = detail.seq;
      detail = { digest: this.copies.take(event, detail), ...detail };
    }
    this.onmessage({ data: JSON.stringify([event, detail]) });
  }
  pong(seq = this.seq ?? 0) {
    this.receive("pong", { seq });
  }
  // The oldest request that has no answer is done, or is refused.
  ok(detail) {
    this.receive("ok", { id: this.asked.shift(), ...detail });
  }
  refuse(code, message = "") {
    this.receive("error", { id: this.asked.shift(), code, message });
  }
  fail(code) {
    this.readyState = 3;
    if (code === undefined) this.onerror({});
    this.onclose({ code: code ?? 1006 });
  }
}

// What a tab keeps. The page of a duplicated tab has the same to begin with.
export class FakeStorage {
  items = new Map();
  most = Infinity; // characters

  getItem(key) {
    return this.items.get(key) ?? null;
  }
  setItem(key, text) {
    if (text.length > this.most) throw new DOMException("too much", "QuotaExceededError");
    this.items.set(key, text);
  }
  removeItem(key) {
    this.items.delete(key);
  }
}

// A window and its document, as much of them as the module looks at.
export class FakePage extends EventTarget {
  document = Object.assign(new EventTarget(), { hidden: false, baseURI: "http://test/" });

  constructor(storage = new FakeStorage()) {
    super();
    this.sessionStorage = storage;
  }

  install() {
    globalThis.document = this.document;
    globalThis.sessionStorage = this.sessionStorage;
    for (const method of ["addEventListener", "removeEventListener"]) {
      globalThis[method] = this[method].bind(this);
    }
    return this;
  }
  static remove() {
    for (const name of ["document", "sessionStorage", "addEventListener", "removeEventListener"]) {
      delete globalThis[name];
    }
  }

  hide() {
    this.document.hidden = true;
    this.document.dispatchEvent(new Event("visibilitychange"));
  }
  show() {
    this.document.hidden = false;
    this.document.dispatchEvent(new Event("visibilitychange"));
  }
  // Into the back/forward cache, or for good: the page can't tell.
  leave() {
    this.dispatchEvent(Object.assign(new Event("pagehide"), { persisted: true }));
    this.hide();
  }
  comeBack() {
    this.show();
    this.dispatchEvent(Object.assign(new Event("pageshow"), { persisted: true }));
  }
  tell(event) {
    this.dispatchEvent(new Event(event));
  }
}
