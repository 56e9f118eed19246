// What the runners here share: servers that are started, killed and started again, Chromium, and
// one line for each check.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

import { chromium } from "playwright-core";

export const here = (path) => fileURLToPath(new URL(path, import.meta.url));

export const HEADCOUNT = process.env.HEADCOUNT ?? here("../../../target/release/headcount");
export const SUITE = process.env.SUITE ?? here("../../../target/release/examples/socketio_suite");

// ---- Servers -----------------------------------------------------------------------------------

const running = new Set();
process.on("exit", () => running.forEach((child) => child.kill("SIGKILL")));

export class Program {
  #binary;
  #flags;
  #child;

  /** Starts a server that says where it listens as headcount does. */
  static async start(binary, ...flags) {
    const program = new Program();
    program.#binary = binary;
    program.#flags = flags;
    program.url = await program.#run(0);
    return program;
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
    const flags = ["--listen", `127.0.0.1:${port}`, ...this.#flags];
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

// ---- Chromium ----------------------------------------------------------------------------------

export const launch = (options) =>
  chromium.launch({
    ...options,
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });

// ---- Checks ------------------------------------------------------------------------------------

const TIME_MAX = 30_000; // ms; for what takes a second

let passed = 0;
let failed = 0;

export async function check(what, run) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not done in ${TIME_MAX} ms`)), TIME_MAX);
  });
  try {
    await Promise.race([run(), late]);
    passed++;
    console.log(`ok    ${what}`);
  } catch (error) {
    failed++;
    console.log(`FAIL  ${what}\n      ${String(error.stack).replaceAll("\n", "\n      ")}`);
  } finally {
    clearTimeout(timer);
  }
}

/** Ends the process: connections that a failed check has left must not keep it. */
export function conclude() {
  console.log(`${passed} passed, ${failed} failed`);
  process.exit(failed ? 1 : 0);
}
