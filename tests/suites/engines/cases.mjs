// What a reader may do, or what may befall one, and what others must see of it. Each case has a room
// of its own, and is written once for all engines: where they differ, `t.engine` says how.
//
// A case returns a note: what was measured. `all` marks those that CI has no time for, `server` those
// that need other than the usual one (run.mjs has both), `isEnd` that of which no browser is left.

import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";

const HELD = 3_500; // ms; longer than somebody is held whose page was closed
const PING = 2_200; // ms; the longest time between pings of the brisk server …
const PONG = 5_000; // … and for how long it waits for the pong
const LOST = 15_000; // ms; for how long it holds who was lost

export const cases = [
  {
    name: "a reload",
    async run(t) {
      await t.visit("Ada", t.wire.url);
      const from = Date.now();
      for (let i = 0; i < t.times; i++) {
        await t.browser.command("reload");
        await t.isLive();
        await t.isMe("Ada");
      }
      const away = `away for ${seconds(t.wire.longestAway(from))} at most`;
      await t.observer.seesNothing(HELD, away);
      assert.equal(t.wire.hellos(from), t.times, "one hello for each");
      return `${t.times} times: 0 frames; ${away}; ${t.wire.told(from)}`;
    },
  },
  {
    name: "a tab that is closed",
    async run(t) {
      await t.tab();
      await t.visit("Ada", t.wire.url);
      const from = await t.closeTab();
      const note = await isGoneAfter(t, "Ada", from);
      return `${note}; ${t.wire.told(from)}`;
    },
  },
  {
    name: "another page, and back",
    async run(t) {
      await t.visit("Ada", t.wire.url);
      let from;
      let kept = 0;
      for (let i = 0; i < 3; i++) {
        await t.browser.run(() => (window.mark = true));
        from = Date.now();
        await t.go(`${t.wire.url}/healthz`);
        await sleep(1_000);
        await t.browser.command("back");
        await t.isLive();
        await t.isMe("Ada");
        if (await t.browser.run(() => window.mark)) kept++;
      }
      await t.observer.seesNothing(HELD);
      // Firefox keeps no page that has a WebSocket when it is left, though headcount.js closes that.
      assert.equal(kept, t.engine === "firefox" ? 0 : 3, "how often the browser kept the page");
      const how = kept ? "from the back/forward cache" : "loaded anew";
      return `3 times: 0 frames; ${how}; ${t.wire.told(from)}`;
    },
  },
  {
    name: "another page, and back later",
    async run(t) {
      await t.visit("Ada");
      const from = Date.now();
      await t.go(`${t.server.url}/healthz`);
      const note = await isGoneAfter(t, "Ada", from);
      await t.browser.command("back");
      await t.observer.sees({ joined: ["Ada"] });
      await t.isMe("Ada");
      return `${note}; then 1 join`;
    },
  },
  {
    name: "a duplicated tab",
    async run(t) {
      await t.visit("Ada");
      const original = await t.browser.command("window");
      t.observer.ignoresStatus = true; // one of the two is hidden
      const how = await t.duplicate();
      await t.isLive();
      await t.isMe("Ada");
      await sleep(1_500); // by then the server has asked the other whether it is there
      await t.browser.switch(original);
      await t.isLive();
      await t.observer.seesNothing(0);
      await t.closeOthers(original);
      await t.observer.seesNothing(HELD);
      await t.isLive();
      return `${how}: no leave and no join, both live`;
    },
  },
  {
    name: "window.open without an opener",
    async run(t) {
      await t.visit("Ada");
      const original = await t.browser.command("window");
      t.observer.ignoresStatus = true; // one of the two is hidden
      await t.other(() =>
        t.browser.run(() => void window.open(location.href, "_blank", "noopener")),
      );
      await t.isLive();
      assert.equal(await t.browser.run(() => document.querySelector("#names .me")), null);
      await t.login("Bob");
      await t.observer.sees({ joined: ["Bob"] });
      const from = await t.closeOthers(original);
      await t.isLive();
      return `somebody new; closed, ${await isGoneAfter(t, "Bob", from)}`;
    },
  },
  {
    name: "a bare WebSocket: a reload, and another page and back",
    server: "own",
    async run(t) {
      await t.visitOwn("bare", "Ada", t.ownWire.url);
      const reloaded = Date.now();
      await t.browser.command("reload");
      await t.shows(() => document.body?.dataset.state === "live");
      await t.observer.seesNothing(HELD);
      const ofReload = t.ownWire.told(reloaded);
      const note = t.engine === "chromium" ? await isCachedOpen(t) : await isCachedClosed(t);
      return `reload: ${ofReload}; another page: ${note}`;
    },
  },
  {
    name: "a classic page with Socket.IO: a reload, and its end",
    server: "own",
    async run(t) {
      await t.tab();
      await t.visitOwn("classic", "Ada", t.ownWire.url);
      let from;
      for (let i = 0; i < 3; i++) {
        from = Date.now();
        await t.browser.command("reload");
        await t.shows(() => document.body?.dataset.state === "live");
      }
      await t.observer.seesNothing(HELD);
      const ofReload = t.ownWire.told(from);
      from = await t.closeTab();
      const note = await isGoneAfter(t, "Ada", from);
      return `3 times: 0 frames, ${ofReload}; closed, ${note}`;
    },
  },
  {
    name: "offline for 10 s, and online",
    server: "brisk",
    async run(t) {
      await t.visit("Ada");
      await t.browser.run(() => {
        window.told = [];
        for (const event of ["offline", "online"]) addEventListener(event, () => told.push(event));
      });
      t.machine.switchOff();
      await sleep(10_000);
      t.machine.repair();
      const ms = await t.isBack();
      await t.observer.seesNothing(1_000);
      const events = (await t.browser.run(() => told)).join(", ") || "no events";
      return `0 frames; the page is told: ${events}; live again after ${seconds(ms)}`;
    },
  },
  {
    name: "no network for 5 s",
    server: "brisk",
    all: true,
    run: (t) => isUnseen(t, 5_000),
  },
  {
    name: "no network for 10 s",
    server: "brisk",
    run: (t) => isUnseen(t, 10_000),
  },
  {
    name: "no network for 40 s",
    server: "brisk",
    all: true,
    async run(t) {
      await t.visit("Ada");
      const from = Date.now();
      t.machine.cut();
      const at = await t.observer.sees({ left: ["Ada"] });
      assert.ok(at - from <= PING + PONG + LOST + 300, `${at - from} ms`);
      await sleep(from + 40_000 - Date.now());
      t.machine.repair();
      const back = (await t.observer.sees({ joined: ["Ada"] }, 60_000)) - from - 40_000;
      await t.isBack();
      await t.isMe("Ada");
      return `gone after ${seconds(at - from)}; back ${seconds(back)} after the network`;
    },
  },
  {
    name: "a cable that is pulled",
    server: "usual",
    all: true,
    async run(t) {
      await t.visit("Ada");
      const from = Date.now();
      t.machine.pull();
      const at = await t.observer.sees({ left: ["Ada"] }, 60_000);
      assert.ok(at - from <= 27_500 + 10_000 + LOST + 500, `${at - from} ms`);
      t.machine.repair();
      await t.observer.sees({ joined: ["Ada"] }, 60_000);
      return `gone after ${seconds(at - from)} (ping 25 s ± 10 %, pong 10 s, hold 15 s)`;
    },
  },
  {
    name: "a tab that is hidden for 2 minutes",
    all: true,
    async run(t) {
      t.observer.ignoresStatus = true;
      await t.visitHidden("Ada", t.wire.url);
      t.observer.ignoresStatus = false;
      const from = Date.now();
      await t.browser.run(() => {
        window.ticks = 0;
        setInterval(() => window.ticks++, 100);
      });
      await t.observer.seesNothing(120_000);
      assert.ok(await t.browser.run(() => document.hidden));
      const ticks = await t.browser.run(() => window.ticks);
      const spent = (Date.now() - from) / 1_000;
      assert.ok(ticks < spent * 2, `timers are throttled: ${ticks} of them in ${spent} s`);
      assert.equal(t.wire.hellos(from), 0, "the connection is the same");
      await t.isLive();
      const rate = (ticks / spent).toFixed(2);
      return `0 frames; same connection; ${rate} timers of 100 ms a second; ${t.wire.told(from)}`;
    },
  },
  {
    name: "a laptop that sleeps for 10 s",
    server: "brisk",
    async run(t) {
      await t.visit("Ada");
      t.machine.sleep();
      await sleep(10_000);
      t.machine.repair();
      const ms = await t.isBack();
      await t.observer.seesNothing(1_000);
      return `0 frames; live again after ${seconds(ms)}`;
    },
  },
  {
    name: "a laptop that sleeps for longer than anybody is held",
    server: "brisk",
    async run(t) {
      await t.visit("Ada");
      const from = Date.now();
      t.machine.sleep();
      const at = await t.observer.sees({ left: ["Ada"] });
      assert.ok(at - from >= LOST && at - from <= PING + PONG + LOST + 300, `${at - from} ms`);
      await sleep(1_000);
      const woken = Date.now();
      t.machine.repair();
      const back = (await t.observer.sees({ joined: ["Ada"] })) - woken;
      await t.isMe("Ada");
      return `gone after ${seconds(at - from)}; back ${seconds(back)} after it has woken`;
    },
  },
  {
    name: "a browser that is killed",
    isEnd: true,
    async run(t) {
      await t.visit("Ada", t.wire.url);
      const from = Date.now();
      t.machine.kill();
      const at = await t.observer.sees({ left: ["Ada"] });
      assert.ok(Math.abs(at - from - LOST) <= 500, `${at - from} ms`);
      return `gone after ${seconds(at - from)}; ${t.wire.told(from)}`;
    },
  },
];

// Chromium keeps the page with its socket open, and answers pings. When the page comes back, the
// socket is closed, and there is nothing in the page that opens another.
async function isCachedOpen(t) {
  const left = Date.now();
  await t.go(`${t.ownWire.url}/healthz`);
  await t.observer.seesNothing(3 * HELD);
  const meanwhile = t.ownWire.told(left);
  const back = Date.now();
  await t.browser.command("back");
  await t.shows(() => document.body?.dataset.state === "lost");
  await isGoneAfter(t, "Ada", back);
  return `kept, socket open (${meanwhile}); then back: ${t.ownWire.told(back)}`;
}

// Firefox keeps no page that has a socket, WebKit keeps it without.
async function isCachedClosed(t) {
  await t.browser.run(() => (window.mark = true));
  const left = Date.now();
  await t.go(`${t.ownWire.url}/healthz`);
  await isGoneAfter(t, "Ada", left);
  const note = t.ownWire.told(left);
  await t.browser.command("back");
  const isLost = () => window.mark === true && document.body?.dataset.state === "lost";
  if (t.engine === "webkit") await t.shows(isLost);
  else await t.observer.sees({ joined: ["Ada"] });
  return `${t.engine === "webkit" ? "kept, socket closed" : "not kept"}: ${note}`;
}

async function isUnseen(t, ms) {
  await t.visit("Ada");
  t.machine.cut();
  await sleep(ms);
  t.machine.repair();
  const back = await t.isBack();
  await t.observer.seesNothing(1_000);
  return `0 frames; live again after ${seconds(back)}`;
}

// Whether somebody is off the list as soon as that may be after the page was closed, and not before.
async function isGoneAfter(t, name, from) {
  const ms = (await t.observer.sees({ left: [name] })) - from;
  assert.ok(ms >= 3_000 && ms <= 3_500, `${ms} ms`);
  return `gone after ${seconds(ms)}`;
}

function seconds(ms) {
  return `${(ms / 1_000).toFixed(1)} s`;
}
