// Redis, and nodes of headcount, which end with the test that has started them.

import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { get } from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test as nodeTest } from "node:test";
import { promisify } from "node:util";

import { HEADCOUNT } from "../program.mjs";
import { until } from "./time.mjs";

export { HEADCOUNT };
export const REDIS_SERVER = process.env.REDIS_SERVER ?? "redis-server";
export const REDIS_CLI = process.env.REDIS_CLI ?? "redis-cli";

const execute = promisify(execFile);

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
