// Waiting: for a condition, which is asked for again and again until it is so.

import assert from "node:assert/strict";

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
