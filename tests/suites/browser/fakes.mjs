// What the module meets in the tests: sockets that do what a test says, and a page around them.

export class FakeSocket {
  static all = [];
  static get last() {
    return FakeSocket.all.at(-1);
  }

  readyState = 0;
  sent = []; // all but pings, without their ids and empty options
  asked = []; // the ids of requests that have no answer yet
  pings = 0;
  closes = 0;

  constructor(url, protocol) {
    Object.assign(this, { url, protocol });
    FakeSocket.all.push(this);
  }
  send(text) {
    const message = JSON.parse(text);
    if (message[0] === "ping") return this.pings++;
    const { id, ...options } = message.pop();
    if (id !== undefined) this.asked.push(id);
    if (Object.keys(options).length > 0) message.push(options);
    this.sent.push(message);
  }
  close() {
    if (this.readyState < 2) this.closes++;
    this.readyState = 2;
  }

  // What the server and the network do.
  open() {
    this.readyState = 1;
    this.onopen({});
  }
  receive(event, detail) {
    if (event === "roster" || event === "change") this.seq = detail.seq;
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

// A window and its document, as much of them as the module looks at.
export class FakePage extends EventTarget {
  document = Object.assign(new EventTarget(), { hidden: false, baseURI: "http://test/" });

  install() {
    globalThis.document = this.document;
    for (const method of ["addEventListener", "removeEventListener"]) {
      globalThis[method] = this[method].bind(this);
    }
    return this;
  }
  static remove() {
    for (const name of ["document", "addEventListener", "removeEventListener"]) {
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
