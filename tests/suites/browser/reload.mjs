// What others see of a page that is reloaded, left, duplicated, cut off or killed, in a real browser
// and against the real server.
//
//     npm ci && node reload.mjs
//
// RELOADS    how many there are in a row; otherwise 20
//
// An observer is a bare WebSocket beside the pages. What it is sent is counted.

import assert from "node:assert/strict";

import { chromium } from "playwright-core";

import {
  ARGUMENTS,
  CHROMIUM,
  Server,
  check,
  enter,
  entry,
  excuse,
  finish,
  isMe,
  listed,
  networkOf,
  open,
  says,
  sees,
  seesNot,
  state,
} from "./harness.mjs";
import { Relay } from "./relay.mjs";

const RELOADS = Number(process.env.RELOADS ?? 20);
const server = await Server.start("--hold-closed-ms", "3000", "--hold-lost-ms", "15000");
const { url } = server;
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

class Observer {
  static async start(path = "/ws") {
    const observer = new Observer();
    observer.page = await open(`${url}/healthz`);
    await observer.page.evaluate((path) => {
      window.told = [];
      const socket = new WebSocket(location.origin.replace("http", "ws") + path);
      socket.onmessage = ({ data }) => window.told.push([Date.now(), ...JSON.parse(data)]);
      return new Promise((resolve) => (socket.onopen = resolve));
    }, path);
    await observer.next("roster");
    return observer;
  }

  /** All that it was sent since the last call: [time, event, detail]. */
  take() {
    return this.page.evaluate(() => window.told.splice(0));
  }

  /** Waits for the next message, which is such an event. */
  async next(event, timeout = 20_000) {
    await this.page.waitForFunction(() => window.told.length > 0, undefined, { timeout });
    const [[at, is, detail], ...more] = await this.take();
    assert.deepEqual([is, more], [event, []]);
    return [at, detail];
  }

  async sees(change) {
    const [at, { joined, left }] = await this.next("change");
    assert.deepEqual({ joined, left }, { joined: [], left: [], ...change });
    return at;
  }

  async isToldNothing(while_) {
    assert.deepEqual(await this.take(), [], while_);
  }
}

// The ids that a page says.
function idsOf(page) {
  const ids = [];
  page.on("websocket", (socket) =>
    socket.on("framesent", ({ payload }) => {
      const [event, detail] = JSON.parse(payload);
      if (event === "hello") ids.push(detail.client);
    }),
  );
  return ids;
}

// From the first frame on, what the page shows of the list and of its own name. A frame is what all
// that is called for it has drawn.
function watchFrames() {
  window.seen = [];
  const look = () => {
    const me = document.querySelector("#me")?.textContent;
    window.seen.push([document.querySelectorAll("#names li").length, me]);
  };
  const watch = () => {
    setTimeout(look);
    if (window.seen.length < 60) requestAnimationFrame(watch);
  };
  requestAnimationFrame(watch);
}

const observer = await Observer.start();
let ada;
let bob;

await check("two pages log in, which an observer sees", async () => {
  ada = await open(url, { script: watchFrames });
  bob = await open(url);
  await enter(ada, "Ada");
  await observer.sees({ joined: ["Ada"] });
  await enter(bob, "Bob");
  await observer.sees({ joined: ["Bob"] });
  await sees(ada, "Bob");
});

await check(`${RELOADS} reloads are seen by nobody`, async () => {
  const ids = idsOf(ada);
  for (let i = 0; i < RELOADS; i++) {
    await ada.reload();
    await state(ada, "live");
    await isMe(ada, "Ada");
    if (i % 100 === 0) await bob.mouse.move(i % 7, 7); // or he would be idle after 5 minutes
  }
  await sleep(3_500); // longer than a name is held
  await observer.isToldNothing();
  assert.deepEqual([ids.length, new Set(ids).size], [RELOADS, 1]);
  assert.deepEqual(await listed(bob), ["Ada", "Bob"]);
});

await check("a page that is reloaded shows no empty list, and who it is, from the first frame", async () => {
  await ada.reload();
  await ada.waitForFunction(() => window.seen.length >= 20);
  for (const [count, me] of await ada.evaluate(() => window.seen)) {
    assert.deepEqual([count, me], [2, "You are on the list as Ada."]);
  }
  await observer.isToldNothing();
});

await check("what happened meanwhile is there after a reload, and only that is sent", async () => {
  await enter(bob, "Bobby");
  await observer.sees({ joined: ["Bobby"], left: ["Bob"] });
  const received = [];
  ada.on("websocket", (socket) =>
    socket.on("framereceived", ({ payload }) => received.push(JSON.parse(payload)[0])),
  );
  await ada.reload();
  await sees(ada, "Bobby");
  await seesNot(ada, "Bob");
  await state(ada, "live");
  assert.deepEqual(received.slice(0, 2), ["welcome", "change"]);
  assert.ok(!received.includes("roster"));
});

await check("a duplicated tab is a client of its own, and both live", async () => {
  // As a duplicated tab has it: the window that is opened has a copy of the storage.
  const popup = ada.context().waitForEvent("page");
  const others = [];
  ada.context().once("page", (page) => others.push(idsOf(page)));
  await ada.evaluate(() => window.open(location.href));
  const copy = await popup;
  await state(copy, "live");
  await isMe(copy, "Ada");
  const [ids] = others;
  assert.equal(new Set(ids).size, ids.length, "it has another id by then");
  await sleep(1_500);
  await state(ada, "live");
  await observer.isToldNothing("while there are two");
  await copy.close();
  await sleep(4_000);
  await observer.isToldNothing("after one is closed");
  await state(ada, "live");
  return `it said ${ids.length}`;
});

await check("the back button: within 3 s nobody sees that a page was left", async () => {
  for (let round = 0; round < 3; round++) {
    await ada.goto(`${url}/healthz`);
    await sleep(1_500);
    await ada.goBack({ waitUntil: "commit" });
    await state(ada, "live");
    await isMe(ada, "Ada");
  }
  await sleep(3_500);
  await observer.isToldNothing();
});

await check("the back button: later it is one leave and one join", async () => {
  const left = Date.now();
  await ada.goto(`${url}/healthz`);
  const seconds = ((await observer.sees({ left: ["Ada"] })) - left) / 1_000;
  assert.ok(seconds >= 2.9 && seconds < 3.6, `${seconds} s`);
  await ada.goBack({ waitUntil: "commit" });
  await observer.sees({ joined: ["Ada"] });
  await isMe(ada, "Ada");
  return `gone after ${seconds.toFixed(2)} s`;
});

await check("a logout is seen at once, and holds through a reload", async () => {
  const clicked = Date.now();
  await ada.getByRole("button", { name: "Log out" }).click();
  const ms = (await observer.sees({ left: ["Ada"] })) - clicked;
  assert.ok(ms < 500, `${ms} ms`);
  await ada.reload();
  await state(ada, "live");
  await says(ada, "me", "You are watching");
  await observer.isToldNothing();
  await enter(ada, "Ada");
  await observer.sees({ joined: ["Ada"] });
  return `${ms} ms`;
});

await check("another room is a logout from the one before", async () => {
  const changed = Date.now();
  await ada.evaluate(() => (location.hash = "doc-1"));
  const ms = (await observer.sees({ left: ["Ada"] })) - changed;
  assert.ok(ms < 500, `${ms} ms`);
  await isMe(ada, "Ada");
  await ada.evaluate(() => (location.hash = ""));
  await observer.sees({ joined: ["Ada"] });
});

await check("a tab that is closed is off the list after 3 s", async () => {
  const closed = Date.now();
  await ada.close();
  const seconds = ((await observer.sees({ left: ["Ada"] })) - closed) / 1_000;
  assert.ok(seconds >= 2.9 && seconds < 3.6, `${seconds} s`);
  return `${seconds.toFixed(2)} s`;
});

await check("a browser that is killed is off the list after 15 s", async () => {
  const victim = await chromium.launchServer({ executablePath: CHROMIUM, args: ARGUMENTS });
  const remote = await chromium.connect(victim.wsEndpoint());
  const page = await remote.newPage({ locale: "en-US" });
  await page.goto(url);
  await enter(page, "Eve");
  await observer.sees({ joined: ["Eve"] });
  const killed = Date.now();
  await victim.kill();
  const seconds = ((await observer.sees({ left: ["Eve"] })) - killed) / 1_000;
  assert.ok(seconds >= 14.5 && seconds < 15.6, `${seconds} s`);
  return `${seconds.toFixed(2)} s`;
});

await check("a network that is gone for 5 s is seen by nobody", async () => {
  const relay = await Relay.start(new URL(url));
  const page = await open(relay.url);
  await enter(page, "Eve");
  await observer.sees({ joined: ["Eve"] });
  excuse(true);
  const offline = await networkOf(page);
  await offline(true);
  relay.stop(); // what is emulated leaves open sockets alone
  await state(page, "lost");
  assert.equal(await entry(page, "Eve").count(), 1, "what was known stays");
  await sleep(5_000);
  relay.server.listen(new URL(relay.url).port, "127.0.0.1");
  const back = performance.now();
  await offline(false);
  await state(page, "live");
  await isMe(page, "Eve");
  const seconds = (performance.now() - back) / 1_000;
  excuse(false);
  assert.ok(seconds < 2, `${seconds} s`);
  await observer.isToldNothing();
  await page.context().close();
  await observer.sees({ left: ["Eve"] });
  relay.stop();
  return `live again in ${seconds.toFixed(2)} s`;
});

await check("a page with Socket.IO is reloaded unseen, with its status and data", async () => {
  const page = await open(`${url}/healthz`);
  const start = (login) =>
    page.evaluate(
      (login) =>
        new Promise((resolve) => {
          const script = document.createElement("script");
          script.src = "/socket.io/socket.io.js";
          script.onload = () => {
            const socket = window.io();
            socket.on("connect", () => {
              if (login) socket.emit("login", "Sio", login, resolve);
              else socket.emit("login", "Sio", resolve);
            });
          };
          document.head.append(script);
        }),
      login,
    );
  await start({ status: "idle", data: { x: 1 } });
  const [, { joined, data }] = await observer.next("change");
  assert.deepEqual([joined, data], [["Sio"], { Sio: { x: 1 } }]);
  for (let i = 0; i < 3; i++) {
    await page.reload();
    await start();
  }
  await sleep(3_500);
  await observer.isToldNothing();
  await page.context().close();
  await observer.sees({ left: ["Sio"] });
});

await finish();
await server.kill();
