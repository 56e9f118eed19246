// A server that the suites start, kill and start again.
//
// HEADCOUNT  its binary; otherwise ../../target/release/headcount

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const built = new URL("../../target/release/headcount", import.meta.url);
export const HEADCOUNT = process.env.HEADCOUNT ?? fileURLToPath(built);

const UNHELD = ["--hold-closed-ms", "1", "--hold-lost-ms", "1"];

const running = new Set();
process.on("exit", () => running.forEach((child) => child.kill("SIGKILL"))); // whatever happens

export class Program {
  host = "127.0.0.1";
  #binary;
  #flags;
  #child;

  /** Starts a server that says where it listens as headcount does. */
  static async start(binary, ...flags) {
    const program = new this();
    program.#binary = binary;
    program.#flags = flags;
    program.url = await program.#run(0);
    return program;
  }

  get pid() {
    return this.#child.pid;
  }

  /** Starts it again, at the address that it had. */
  async revive() {
    await this.#run(new URL(this.url).port);
  }

  async kill() {
    if (!running.delete(this.#child)) return;
    this.#child.kill("SIGKILL");
    await once(this.#child, "exit");
  }

  async #run(port) {
    const flags = ["--listen", `${this.host}:${port}`, ...this.#flags];
    // Whoever ends a connection is gone, unless a suite is about holds.
    const isOfHolds = flags.some((flag) => flag.startsWith("--hold-"));
    if (this.#binary === HEADCOUNT && !isOfHolds) flags.push(...UNHELD);
    const child = spawn(this.#binary, flags, { stdio: ["ignore", "pipe", "inherit"] });
    running.add((this.#child = child));
    for await (const line of createInterface(child.stdout)) {
      const [, url] = /^headcount listening on (http:\/\/\S+)$/.exec(line) ?? [];
      if (!url) continue;
      child.stdout.resume();
      return url;
    }
    assert.fail(`${this.#binary} ended before it listened`);
  }
}
