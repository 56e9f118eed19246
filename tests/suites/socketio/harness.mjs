// What the runners here share: servers, Chromium, and one line for each check.

import { fileURLToPath } from "node:url";

import { chromium } from "playwright-core";

import { ARGUMENTS, CHROMIUM } from "../chromium.mjs";

export { HEADCOUNT, Program } from "../program.mjs";

export const here = (path) => fileURLToPath(new URL(path, import.meta.url));

export const SUITE = process.env.SUITE ?? here("../../../target/debug/examples/socketio_suite");

// ---- Chromium ----------------------------------------------------------------------------------

export const launch = (options) =>
  chromium.launch({
    ...options,
    executablePath: CHROMIUM,
    args: ARGUMENTS,
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
