// What the tests and the figures share: Redis, nodes of headcount, and their clients.
//
// Nothing waits for a fixed time: `until` asks again and again until what it waits for is so.

import assert from "node:assert/strict";
import { spawn, execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { get } from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test as nodeTest } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import WebSocket from "ws";

import { Copies } from "../browser/digest.mjs";
import { HEADCOUNT } from "../program.mjs";

export { HEADCOUNT };
export const REDIS_SERVER = process.env.REDIS_SERVER ?? "redis-server";
export const REDIS_CLI = process.env.REDIS_CLI ?? "redis-cli";

export const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const execute = promisify(execFile);

// ---- Time --------------------------------------------------------------------------------------

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Waits until `condition` gives what is true, and gives that. An error counts as "not yet". */
export async function until(what, condition, ms = 5_000) {
  const end = performance.now() + ms;
  for (let tries = 0; ; tries++) {
    let last;
    try {
      const outcome = await condition();
      if (outcome) return outcome;
      last = outcome;
    } catch (error) {
      last = error;
    }
    if (performance.now() > end) {
      assert.fail(`not within ${ms} ms: ${what}${last instanceof Error ? `: ${last.message}` : ""}`);
    }
    await sleep(tries < 20 ? 1 : 10);
  }
}

/** Lets a time pass that is itself what is tested: of a pause, or of silence. */
export const pass = sleep;

/** How long `run` takes, in ms. */
export async function timed(run) {
  const start = performance.now();
  await run();
  return performance.now() - start;
}

// ---- Programs ----------------------------------------------------------------------------------

const running = new Set();
const folders = [];
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL"); // also one that is stopped
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** Starts a program, whose output is kept. */
function start(command, args, options = {}) {
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"], ...options });
  child.text = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text) => (child.text += text));
  }
  running.add(child);
  child.once("exit", () => running.delete(child));
  child.on("error", (error) => (child.text += error));
  return child;
}

async function kill(child, signal = "SIGKILL") {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const end = once(child, "exit");
  child.kill(signal);
  await end;
}

/** A test, after which no program runs that it has started. */
export const test = (name, run) =>
  nodeTest(name, { timeout: 90_000 }, async (t) => {
    try {
      await run(t);
    } finally {
      await Promise.all([...running].map((child) => kill(child)));
    }
  });

export function folder() {
  folders.push(mkdtempSync(join(tmpdir(), "headcount-redis-")));
  return folders.at(-1);
}

/** A port that is free, and that no outgoing connection is given. */
export async function freePort() {
  for (;;) {
    const port = 16_384 + Math.floor(Math.random() * 16_000);
    const server = createServer();
    server.listen(port, "127.0.0.1");
    const isFree = await Promise.race([
      once(server, "listening").then(() => true),
      once(server, "error").then(() => false),
    ]);
    await new Promise((resolve) => server.close(resolve));
    if (isFree) return port;
  }
}

// ---- Redis -------------------------------------------------------------------------------------

export class Redis {
  host = "127.0.0.1";
  password = undefined;
  #flags;

  /** Starts a server that keeps nothing. */
  static async start(...flags) {
    return Redis.startAt("127.0.0.1", ...flags);
  }

  static async startAt(host, ...flags) {
    const redis = new this();
    redis.host = host;
    redis.port = await freePort();
    redis.#flags = flags;
    await redis.revive();
    return redis;
  }

  get url() {
    return `redis://${this.host}:${this.port}`;
  }

  /** Starts it again at its address, empty. */
  async revive() {
    const own = ["--port", this.port, "--bind", this.host, "--dir", folder(), "--save", ""];
    this.child = start(REDIS_SERVER, [...own, "--appendonly", "no", ...this.#flags].map(String));
    await until(`${REDIS_SERVER} answers: ${this.child.text}`, () => this.answers());
  }

  async answers() {
    assert.equal(this.child.exitCode, null, this.child.text);
    return /PONG|NOAUTH/.test(await this.call("PING").catch(String));
  }

  /** Sends it a command, by its own client. */
  async call(...words) {
    const login = this.password === undefined ? [] : ["-a", this.password, "--no-auth-warning"];
    const address = ["-h", this.host, "-p", this.port];
    const all = [...address, ...login, "-e", ...words].map(String);
    const { stdout } = await execute(REDIS_CLI, all, { timeout: 20_000 });
    return stdout.trim();
  }

  /** A number of INFO. */
  async info(section, field) {
    const text = await this.call("INFO", section);
    return text.match(new RegExp(`^${field}:(.*)`, "m"))?.[1].trim();
  }

  signal(signal) {
    this.child.kill(signal);
  }

  kill() {
    return kill(this.child);
  }
}

// ---- Nodes -------------------------------------------------------------------------------------

// Clients here do more than people.
const FAST = [
  ...["--updates-per-second", "100000", "--updates-burst", "100000"],
  ...["--messages-per-second", "100000", "--messages-burst", "100000"],
  ...["--bytes-per-second", "100000000", "--name-changes-per-minute", "100000"],
];
const HOLDS = ["--hold-closed-ms", "1000", "--hold-lost-ms", "1000"];

export class Node {
  #child;

  /** Starts a node that is ready, unless it won't be. `through` is a command that runs it. */
  static async start(redis, flags = [], options = {}) {
    const { env = {}, through = [], host = "127.0.0.1", isReady = true } = options;
    const node = new this();
    const urls = [redis].flat().flatMap(({ url }) => ["--redis", url]);
    const own = ["--listen", `${host}:0`, ...urls, ...FAST, ...HOLDS];
    // A flag that is given again is the one that counts.
    const given = new Set(flags);
    const kept = own.filter((word, i) => !given.has(word) && !given.has(own[i - 1]));
    const [command, ...args] = [...through, HEADCOUNT, ...kept, ...flags];
    node.#child = start(command, args, { env: { ...process.env, ...env } });
    await until(`headcount listens: ${node.log}`, () => {
      assert.equal(node.#child.exitCode, null, node.log);
      node.url = /^headcount listening on (http:\/\/\S+)$/m.exec(node.log)?.[1];
      return node.url;
    });
    if (isReady) {
      await until("the node is ready", () => {
        assert.ok(node.isRunning, node.log);
        return node.isReady();
      });
    }
    return node;
  }

  get pid() {
    return this.#child.pid;
  }

  /** All that it has said. */
  get log() {
    return this.#child.text;
  }

  get isRunning() {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Status and text of a path. */
  get(path) {
    return new Promise((resolve, reject) => {
      const request = get(`${this.url}${path}`, { agent: false, timeout: 2_000 }, (response) => {
        let text = "";
        response.setEncoding("utf8").on("data", (part) => (text += part));
        response.on("end", () => resolve({ status: response.statusCode, text }));
      });
      request.on("timeout", () => request.destroy(new Error("no answer within 2 s")));
      request.on("error", reject);
    });
  }

  async isReady() {
    return (await this.get("/readyz")).status === 200;
  }

  /** Status of /readyz and of /healthz. */
  async health() {
    const [ready, healthy] = await Promise.all([this.get("/readyz"), this.get("/healthz")]);
    return [ready.status, healthy.status];
  }

  /** What it has in a room, but for what is its own. */
  async roster(room = "") {
    const path = room === "" ? "" : `/${room.split("/").map(encodeURIComponent).join("/")}`;
    const { epoch: _, seq: __, ...roster } = JSON.parse((await this.get(`/roster${path}`)).text);
    return roster;
  }

  /** A metric, summed up over its labels. */
  async metric(name) {
    const { text } = await this.get("/metrics");
    const lines = text.split("\n").filter((line) => line.split(/[{ ]/)[0] === name);
    assert.ok(lines.length > 0, `there is no metric ${name}`);
    return lines.reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
  }

  signal(signal) {
    this.#child.kill(signal);
  }

  kill(signal) {
    return kill(this.#child, signal);
  }
}

/** Starts headcount where it is to end by itself: what it said, and its exit code. */
export async function run(args, env = {}) {
  const child = start(HEADCOUNT, args, { env: { ...process.env, ...env } });
  const timer = setTimeout(() => child.kill("SIGKILL"), 15_000);
  const [code, signal] = await once(child, "close");
  clearTimeout(timer);
  return { code: code ?? signal, text: child.text };
}

export const startNodes = (count, redis, ...flags) =>
  Promise.all(Array.from({ length: count }, () => Node.start(redis, flags)));

/** Waits until all nodes have the same in a room, and gives it. */
export const equal = (nodes, room = "", ms = 5_000) =>
  until(
    `all have the same in ${JSON.stringify(room)}`,
    async () => {
      const [first, ...others] = await Promise.all(nodes.map((node) => node.roster(room)));
      for (const other of others) assert.deepEqual(other, first);
      return first;
    },
    ms,
  );

/** Waits until these names are in a room, on all nodes. */
export const present = (nodes, names, room = "", ms = 5_000) =>
  until(
    `all have ${names.length} names in ${JSON.stringify(room)}`,
    async () => {
      for (const node of nodes) {
        const roster = await node.roster(room);
        assert.deepEqual(roster.names, [...names].sort(byCodePoint));
      }
      return true;
    },
    ms,
  );

const byCodePoint = (a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b));

// ---- Clients -----------------------------------------------------------------------------------

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
