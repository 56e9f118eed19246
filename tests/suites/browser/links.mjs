// Links that die without a word, and pages that are left and shown again, in a real browser.
//
//     npm ci && node links.mjs
//
// Others are told that somebody is gone as soon as the server knows it: it holds no names here.

import assert from "node:assert/strict";

import {
  Server,
  check,
  enter,
  excuse,
  finish,
  isMe,
  networkOf,
  open,
  says,
  sees,
  seesNot,
  state,
} from "./harness.mjs";
import { Relay } from "./relay.mjs";

const server = await Server.start();
const relay = await Relay.start(new URL(server.url));
const witness = await open(server.url); // without a relay
const seconds = (since) => (performance.now() - since) / 1000;

// What the page does when time passes quickly: its own timers and clock.
async function openWithClock(url) {
  const page = await open("about:blank");
  await page.clock.install();
  await page.goto(url);
  await state(page, "live");
  return page;
}

await check("a link that falls silent is noticed within 40 s, and the page comes back", async () => {
  const page = await openWithClock(relay.url);
  await enter(page, "Ada");
  await isMe(page, "Ada");
  await sees(witness, "Ada");
  relay.forget();
  relay.endFar();
  await seesNot(witness, "Ada");
  await enter(witness, "Bob");
  await isMe(witness, "Bob");
  await state(page, "live"); // it can't know yet
  // The clock of the page goes quickly; the network does not.
  let passed = 0;
  for (; passed < 46 && !(await server.names()).includes("Ada"); passed++) {
    await page.clock.runFor(1_000);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  await sees(witness, "Ada");
  await sees(page, "Bob");
  await state(page, "live");
  await page.context().close();
  await seesNot(witness, "Ada");
  return `after ${passed} s`;
});

await check("a rename into a dead link is done on the next one", async () => {
  const page = await openWithClock(relay.url);
  await enter(page, "Ada");
  await isMe(page, "Ada");
  relay.forget();
  await enter(page, "Eve");
  await says(page, "me", "Logging in as Eve…");
  await page.clock.runFor(10_000);
  for (let i = 0; i < 6; i++) await page.clock.runFor(1_000);
  await isMe(page, "Eve");
  relay.endFar();
  await seesNot(witness, "Ada");
  await sees(witness, "Eve");
  await page.context().close();
  await seesNot(witness, "Eve");
});

await check("after sleep the page is live as soon as it wakes", async () => {
  const page = await openWithClock(relay.url);
  await enter(page, "Ada");
  await isMe(page, "Ada");
  relay.forget();
  relay.endFar();
  await seesNot(witness, "Ada");
  await page.clock.fastForward(3_600_000); // each timer fires once at most, as after sleep
  await sees(witness, "Ada");
  await isMe(page, "Ada");
  await page.context().close();
  await seesNot(witness, "Ada");
});

await check("a page that is left is off the list at once, and back with the back button", async () => {
  const page = await open(relay.url);
  await enter(page, "Ada");
  await isMe(page, "Ada");
  await sees(witness, "Ada");
  await page.evaluate(() => {
    window.isTheSame = true;
    window.states = [];
    new MutationObserver(() => window.states.push(document.body.dataset.state)).observe(
      document.body,
      { attributes: true },
    );
  });
  const left = performance.now();
  await page.goto(`${relay.url}/healthz`);
  await seesNot(witness, "Ada");
  const gone = seconds(left);
  assert.ok(gone < 2, `the list had it for ${gone} s`);
  await enter(witness, "Witness");
  await new Promise((resolve) => setTimeout(resolve, 1_500));

  const back = performance.now();
  await page.goBack({ waitUntil: "commit" });
  await sees(page, "Witness");
  await isMe(page, "Ada");
  const after = seconds(back);
  assert.ok(after < 3, `it took ${after} s`);
  const cached = await page.evaluate(() => window.isTheSame === true);
  await sees(witness, "Ada");
  await page.context().close();
  await seesNot(witness, "Ada");
  const times = `left in ${gone.toFixed(2)} s, back in ${after.toFixed(2)} s`;
  return `${cached ? "from" : "without"} the cache; ${times}`;
});

await check("many returns do not make the page wait longer", async () => {
  const page = await open(relay.url);
  await enter(page, "Ada");
  await isMe(page, "Ada");
  let longest = 0;
  for (let round = 0; round < 5; round++) {
    await page.goto(`${relay.url}/healthz`);
    const back = performance.now();
    await page.goBack({ waitUntil: "commit" });
    await state(page, "live");
    longest = Math.max(longest, seconds(back));
  }
  assert.ok(longest < 3, `${longest} s`);
  await page.context().close();
  await seesNot(witness, "Ada");
  return `at most ${longest.toFixed(2)} s`;
});

await check("a page that was offline is live when the network is back", async () => {
  const page = await open(relay.url);
  await enter(page, "Ada");
  await isMe(page, "Ada");
  excuse(true);
  const offline = await networkOf(page);
  await offline(true);
  relay.stop(); // what is emulated leaves open sockets alone
  await state(page, "lost");
  await seesNot(witness, "Ada");
  relay.server.listen(new URL(relay.url).port, "127.0.0.1");
  await new Promise((resolve) => setTimeout(resolve, 6_000)); // a few attempts fail
  const back = performance.now();
  await offline(false);
  await state(page, "live");
  await sees(witness, "Ada");
  const after = seconds(back);
  excuse(false);
  assert.ok(after < 2, `it took ${after} s`);
  await page.context().close();
  return `in ${after.toFixed(2)} s`;
});

await finish();
relay.stop();
await server.kill();
