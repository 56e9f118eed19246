// A place for a client to run in that is all the test's: its page, its network and its clock. Our
// client and socket.io's own (the build for browsers) are put into the same.

import { readFileSync } from "node:fs";
import { Script, createContext, runInContext } from "node:vm";

const path = (file) => new URL(file, import.meta.url);
const source = (file) => readFileSync(path(file), "utf8");

const script = (file) => new Script(source(file), { filename: path(file).pathname });

const CLIENTS = {
  "our client": script("../../../www/socket.io.js"),
  "socket.io-client": script("node_modules/socket.io-client/dist/socket.io.js"),
};

/** Lets everything happen that needs no time. */
export const settled = () => new Promise(setImmediate);

export class World {
  sockets = []; // all WebSockets that were made
  now = 1_000_000; // of the clock on the wall
  #timers = new Map(); // by number: { at, act }
  #elapsed = 0; // of the time that timers count
  #numbers = 0;
  #listeners = [];

  /** `page` is what a page has besides: its location, its origin, WebSocket: undefined, … */
  constructor(client, page = {}) {
    const world = this;
    this.WebSocket = class extends FakeSocket {
      constructor(...args) {
        super(...args);
        world.sockets.push(this);
      }
    };
    const context = (this.global = createContext({
      // Those of the test, so that its values are values there too.
      ...{ URL, Blob, ArrayBuffer, console, queueMicrotask },
      WebSocket: this.WebSocket,
      addEventListener: (event, f) => this.#listeners.push([event, f]),
      removeEventListener: (event, f) => {
        this.#listeners = this.#listeners.filter(([other, g]) => other !== event || g !== f);
      },
      document: {
        visibilityState: "visible",
        addEventListener: (event, f) => this.#listeners.push([event, f]),
      },
      setTimeout: (act, ms = 0, ...args) => {
        if (ms > 2 ** 31 - 1) ms = 1; // as it is everywhere
        this.#timers.set(++this.#numbers, { at: this.#elapsed + ms, act: () => act(...args) });
        return this.#numbers;
      },
      clearTimeout: (number) => this.#timers.delete(number),
      now: () => this.now,
      ...page,
    }));
    runInContext("self = globalThis; Date.now = now; delete globalThis.now;", context);
    CLIENTS[client].runInContext(context);
    this.io = context.io;
  }

  get last() {
    return this.sockets.at(-1);
  }

  /** Time passes. */
  async tick(ms) {
    const end = this.#elapsed + ms;
    for (;;) {
      await settled();
      const due = [...this.#timers].filter(([, { at }]) => at <= end);
      if (due.length === 0) break;
      const [number, { at, act }] = due.reduce((one, other) => (other[1].at < one[1].at ? other : one));
      this.#timers.delete(number);
      this.now += Math.max(0, at - this.#elapsed);
      this.#elapsed = Math.max(at, this.#elapsed);
      act();
    }
    this.now += end - this.#elapsed;
    this.#elapsed = end;
  }

  /** The machine sleeps: time passes, and no timer counts it. */
  sleep(ms) {
    this.now += ms;
  }

  async dispatch(event, detail = {}) {
    for (const [name, f] of [...this.#listeners]) if (name === event) f(detail);
    await settled();
  }
}

export class FakeSocket {
  static all = [];
  readyState = 0;
  sent = [];

  constructor(url, protocols, options) {
    const { href, protocol } = new URL(url); // or throws, as the real one does
    if (!/^wss?:$/.test(protocol)) throw new SyntaxError(`${protocol} is no scheme of WebSocket`);
    Object.assign(this, { url: href, protocols, options });
  }
  send(message) {
    if (this.readyState === 0) throw new Error("not yet open");
    if (this.readyState === 1) this.sent.push(message);
  }
  close() {
    this.readyState = 2;
  }

  // What the server and the network do.
  accept(sid = "e", { pingInterval = 25_000, pingTimeout = 20_000 } = {}) {
    this.readyState = 1;
    this.onopen?.({});
    const upgrades = [];
    this.receive(`0${JSON.stringify({ sid, upgrades, pingInterval, pingTimeout, maxPayload: 9 })}`);
  }
  receive(...messages) {
    for (const data of messages) this.onmessage?.({ data });
  }
  end() {
    this.readyState = 3;
    this.onclose?.({ code: 1006 });
  }
  fail() {
    this.readyState = 3;
    this.onerror?.({ type: "error" });
    this.onclose?.({ code: 1006 });
  }
}
