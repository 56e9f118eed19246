// Clients, each of which checks that what it is told makes sense.

import { randomBytes } from "node:crypto";
import { once } from "node:events";

import WebSocket from "ws";

import { Copies } from "../browser/digest.mjs";
import { until } from "./time.mjs";

export const byCodePoint = (a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b));

const CODES = { drop: undefined, leave: 1001, logout: 4000 };

export class Client {
  client = randomBytes(16).toString("hex");
  events = []; // all since the welcome
  resumed = undefined;
  bye = undefined;
  #answers = new Map();
  #copies = new Copies();
  #marks = new Map(); // room → [epoch, seq, digest]
  #next = 1;
  #complaint = undefined;

  /** Connects, and waits for the welcome. `from` is the client that it was on another connection. */
  static async open(node, { room = "", from, keeps = true, rooms = [], view } = {}) {
    const client = new this();
    if (from) {
      client.client = from.client;
      if (keeps) {
        client.#copies = new Copies(from.#copies);
        client.#marks = new Map(from.#marks);
      }
    }
    client.room = room;
    const path = room === "" ? "" : `/${room.split("/").map(encodeURIComponent).join("/")}`;
    const socket = new WebSocket(`${node.url.replace("http", "ws")}/ws${path}`, "headcount.v2", {
      handshakeTimeout: 5_000,
    });
    client.socket = socket;
    socket.on("message", (data) => {
      client.receivedAt = performance.now();
      client.#take(JSON.parse(data));
    });
    socket.on("error", (error) => (client.#complaint ??= error));
    await once(socket, "open");
    const copies = [...new Set([room, ...rooms])].map((name) => [
      name,
      client.#marks.get(name) ?? null,
    ]);
    client.openedAt = performance.now();
    client.say("hello", { client: client.client, rooms: Object.fromEntries(copies), view });
    await until("welcome", () => client.resumed);
    return client;
  }

  /** Connects under a name. */
  static async login(node, name, { options, ...rest } = {}) {
    const client = await Client.open(node, rest);
    await client.login(name, options);
    return client;
  }

  get isOpen() {
    return this.socket.readyState === WebSocket.OPEN;
  }

  say(...message) {
    this.socket.send(JSON.stringify(message));
  }

  /** Asks for something, and waits for the answer. */
  ask(event, ...args) {
    const id = this.#next++;
    const options = typeof args.at(-1) === "object" ? args.pop() : {};
    return new Promise((resolve, reject) => {
      this.#answers.set(id, { resolve, reject });
      this.say(event, ...args, { ...options, id });
    });
  }

  login(name, options = {}) {
    this.name = name;
    return this.ask("login", name, options);
  }

  set(options) {
    return this.ask("set", options);
  }

  /** Ends the connection: drop, as a lost network does, leave, as a reload does, or logout. */
  async end(how = "logout") {
    if (this.socket.readyState === WebSocket.CLOSED) return;
    const end = once(this.socket, "close");
    if (how === "drop") this.socket.terminate();
    else this.socket.close(CODES[how]);
    await end;
  }

  /** The names that it was told are in a room, sorted. */
  names(room = this.room) {
    return [...(this.#copies.rooms.get(room)?.entries.keys() ?? [])].sort(byCodePoint);
  }

  /** The digest that it was told last. */
  digest(room = this.room) {
    return this.#marks.get(room)?.[2];
  }

  /** What it was told of rooms since the last call. */
  news() {
    this.isRight();
    return this.events.splice(0);
  }

  /** The names that it was told have left, since the last call. */
  left() {
    return this.news().flatMap(([, { left = [] }]) => left);
  }

  /** Whether what it was told makes sense. */
  isRight() {
    if (this.#complaint) throw this.#complaint;
    return true;
  }

  #take([event, body]) {
    if (event === "welcome") this.resumed = body.resumed;
    else if (event === "bye") this.bye = body;
    else if (event === "ok" || event === "error") this.#answer(event, body);
    else if (event === "roster" || event === "change") this.#follow(event, body);
  }

  #answer(event, { id, ...body }) {
    const answer = this.#answers.get(id);
    this.#answers.delete(id);
    if (event === "ok") answer.resolve(body);
    else if (answer) answer.reject(new Error(`${body.code}: ${body.message}`));
    else this.#complaint ??= new Error(`${body.code}: ${body.message}`);
  }

  #follow(event, body) {
    const { room = "", epoch, seq, digest } = body;
    const [known, last] = this.#marks.get(room) ?? [];
    if (epoch === undefined && seq !== last + 1) {
      this.#complaint ??= new Error(`${event} ${seq} of ${room} came after ${last}`);
    }
    const made = this.#copies.take(event, body);
    if (made !== digest) {
      this.#complaint ??= new Error(`the copy is ${made} and was to be ${JSON.stringify(body)}`);
    }
    this.#marks.set(room, [epoch ?? known, seq, digest]);
    // Nothing but what leads from the copy of before is no news.
    const isMark = event === "change" && epoch !== undefined && changes(body) === 0;
    this.began ??= { event, receivedAt: this.receivedAt, isMark };
    if (!isMark) this.events.push([event, body, performance.now()]);
  }
}

const changes = ({ joined, left, status = {}, data = {} }) =>
  [joined, left, Object.keys(status), Object.keys(data)].reduce((sum, all) => sum + all.length, 0);

/** Waits until this client was told what the nodes have. */
export const told = (client, digest, room) =>
  until("a client was told all", () => client.isRight() && client.digest(room) === digest);
