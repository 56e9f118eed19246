// The rooms of the page, who is active in them, and the link to one, in a real browser.
//
//     npm ci && node presence.mjs

import assert from "node:assert/strict";

import {
  PHONE,
  Server,
  check,
  enter,
  entry,
  excuse,
  fakeServer,
  finish,
  isMe,
  items,
  listed,
  noSidewaysScroll,
  open,
  receive,
  says,
  sees,
  seesNot,
  shot,
  state,
  webSocketBehind,
} from "./harness.mjs";

const server = await Server.start();
const { url } = server;
const titled = (page, title) => page.waitForFunction((it) => document.title === it, title);
const go = (page, hash) => page.evaluate((hash) => (location.hash = hash), hash);
const dot = (page, name) => entry(page, name).locator("i");
const isDotted = (page, name, status) =>
  entry(page, name).locator(`i.${status}`).waitFor();

// Members of a room, without a page of their own.
const join = (page, room, members) =>
  page.evaluate(
    async ([room, members]) => {
      const { connect } = await import("/headcount.js");
      window.joined ??= {};
      for (const [name, status] of Object.entries(members)) {
        window.joined[name] ??= connect("/ws", { room });
        await window.joined[name].login(name, { status });
      }
    },
    [room, members],
  );

let ada;
let bob;
let lobby;

await check("the fragment names the room: each has a list of its own", async () => {
  lobby = await open(url);
  ada = await open(`${url}/#doc-1`);
  bob = await open(`${url}/#doc-1`, { colorScheme: "dark" });
  await enter(lobby, "Lobby");
  await enter(ada, "Ada");
  await enter(bob, "Bob");
  for (const page of [ada, bob]) {
    await sees(page, "Ada");
    await sees(page, "Bob");
    await titled(page, "(2) doc-1 · headcount");
    await page.getByRole("heading", { name: "doc-1" }).waitFor();
  }
  await isMe(lobby, "Lobby");
  await titled(lobby, "(1) headcount");
  assert.deepEqual(await listed(lobby), ["Lobby"]);
  assert.deepEqual(await listed(ada), ["Ada", "Bob"]);
});

await check("another fragment is another room, without a reload, and back again", async () => {
  await ada.evaluate(() => (window.isSame = true));
  await go(ada, "doc-2");
  await seesNot(bob, "Ada");
  await isMe(ada, "Ada");
  await titled(ada, "(1) doc-2 · headcount");
  assert.deepEqual(await listed(ada), ["Ada"]);
  await ada.goBack();
  await sees(ada, "Bob");
  await isMe(ada, "Ada");
  await sees(bob, "Ada");
  await go(ada, "");
  await sees(lobby, "Ada");
  await ada.getByRole("heading", { name: "headcount" }).waitFor();
  await go(ada, "doc-1");
  await seesNot(lobby, "Ada");
  await sees(bob, "Ada");
  assert.equal(await ada.evaluate(() => window.isSame), true);
});

await check("a room that is left quickly leaves nothing in the next", async () => {
  excuse(true); // for what it did not wait for
  for (let round = 0; round < 5; round++) {
    for (const hash of ["a", "b", "doc-1"]) await go(ada, hash);
  }
  await isMe(ada, "Ada");
  await sees(ada, "Bob");
  excuse(false);
  assert.deepEqual(await listed(ada), ["Ada", "Bob"]);
});

await check("a reload stays in the room, logged in", async () => {
  await ada.reload();
  await isMe(ada, "Ada");
  await titled(ada, "(2) doc-1 · headcount");
});

for (const [fragment, name] of [
  ["%E6%9D%8E%E9%9B%B7", "李雷"],
  ["李雷", "李雷"],
  ["a/b%20%20c", "a/b c"],
  ["50%25", "50%"],
  ["50% & more?", "50% & more?"],
  ["<img src=x onerror=ran=1>", "<img src=x onerror=ran=1>"],
  ["names", "names"],
  ["__proto__", "__proto__"],
  ["doc%C2%AD%20%EF%BB%BF1", "doc 1"], // with what is dropped from pasted text
]) {
  await check(`the fragment ${fragment} is the room ${name}`, async () => {
    const page = await open(`${url}/#${fragment}`);
    await enter(page, "Eve");
    await isMe(page, "Eve");
    await page.getByRole("heading", { name, exact: true }).waitFor();
    await titled(page, `(1) ${name} · headcount`);
    assert.equal(await page.evaluate(() => "ran" in window), false);
    const path = name.split("/").map(encodeURIComponent).join("/");
    const { room, names } = await (await fetch(`${url}/roster/${path}`)).json();
    assert.deepEqual([room, names], [name, ["Eve"]]);
    await page.context().close();
  });
}

await check("steps of a path, which no address can have, are left out", async () => {
  const page = await open(`${url}/#../doc-1/.`);
  await state(page, "live");
  assert.equal(await page.locator("#place").textContent(), "/doc-1/");
  await page.context().close();
});

await check("the longest name of a room breaks no layout", async () => {
  const page = await open(`${url}/#${"W".repeat(64)}`, { viewport: PHONE });
  await state(page, "live");
  await noSidewaysScroll(page);
  await page.context().close();
});

await check("a room that the server does not have is said to be none", async () => {
  excuse(true);
  const own = await Server.start("--rooms", "doc-*");
  for (const [hash, words] of [
    ["secret", "There is no such list here."],
    ["x".repeat(65), "There is no such list here."],
  ]) {
    const page = await open(`${own.url}/#${hash}`);
    await says(page, "state", words);
    await go(page, "doc-1");
    await says(page, "state", "Live");
    await page.context().close();
  }
  const page = await open("about:blank");
  await page.clock.install();
  await page.goto(`${own.url}/#doc-1`);
  await state(page, "live");
  await go(page, "secret");
  await says(page, "state", "There is no such list here.");
  await page.clock.runFor(3_000); // by then the news of a list have been told
  assert.equal(await page.locator("#news").textContent(), "");
  await page.context().close();
  await own.kill();
  excuse(false);
});

// ---- Statuses ----------------------------------------------------------------------------------

await check("a dot says who is active, and says it to screen readers too", async () => {
  await join(lobby, "doc-1", { Ivy: "idle", Hal: "hidden", Zoe: "active" });
  for (const page of [ada, bob]) {
    await isDotted(page, "Ivy", "idle");
    await isDotted(page, "Hal", "hidden");
    await isDotted(page, "Zoe", "active");
  }
  await entry(ada, "Ivy").getByRole("img", { name: "idle" }).waitFor();
  await entry(ada, "Hal").getByRole("img", { name: "away" }).waitFor();
  assert.equal(await dot(ada, "Zoe").getAttribute("role"), null);
  await shot(ada, "room");
  await shot(bob, "room-dark");

  await join(lobby, "doc-1", { Ivy: "active", Hal: "idle", Zoe: "hidden" });
  await isDotted(ada, "Ivy", "active");
  await isDotted(ada, "Hal", "idle");
  await isDotted(ada, "Zoe", "hidden");
  assert.equal(await dot(ada, "Ivy").getAttribute("aria-label"), "");
  assert.equal(await dot(ada, "Ivy").getAttribute("role"), null);
});

await check("in Chinese, on a phone", async () => {
  const page = await open(`${url}/#doc-1`, { locale: "zh-CN", viewport: PHONE });
  await enter(page, "李雷");
  await isMe(page, "李雷");
  await entry(page, "Hal").getByRole("img", { name: "空闲" }).waitFor();
  await noSidewaysScroll(page);
  await shot(page, "phone-room-chinese");
  await page.context().close();
});

// Nothing hides a page in a browser without windows.
const hide = (page, hidden) =>
  page.evaluate((hidden) => {
    Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
  }, hidden);

await check("a page that is hidden says so, and when it is seen again", async () => {
  await hide(ada, true);
  await isDotted(bob, "Ada", "hidden");
  await hide(ada, false);
  await isDotted(bob, "Ada", "active");
});

await check("a page that nobody touches for 5 minutes is idle, and active with the next key", async () => {
  const page = await open("about:blank");
  await page.clock.install();
  await page.goto(`${url}/#doc-1`);
  await enter(page, "Eve");
  await isMe(page, "Eve");
  // The clock of the page goes quickly; the network does not.
  const pass = async (seconds) => {
    for (let passed = 0; passed < seconds; passed += 2) {
      await page.clock.runFor(2_000);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  await pass(290);
  assert.equal(await dot(page, "Eve").getAttribute("class"), "active");
  await pass(12);
  await isDotted(bob, "Eve", "idle");
  await page.keyboard.press("Tab");
  await isDotted(bob, "Eve", "active");
  await page.context().close();
  await seesNot(bob, "Eve");
});

await check("after a restart of the server all are back, each as it was", async () => {
  await hide(ada, true);
  await isDotted(bob, "Ada", "hidden");
  excuse(true);
  await server.kill();
  await state(bob, "lost");
  await server.revive();
  for (const page of [ada, bob]) {
    await page.locator("body[data-state=live]").waitFor({ timeout: 40_000 });
  }
  excuse(false);
  await isDotted(bob, "Ada", "hidden");
  await isDotted(bob, "Bob", "active");
  await hide(ada, false);
  await isDotted(bob, "Ada", "active");
});

// ---- The link ----------------------------------------------------------------------------------

await check("the link to a room is copied", async () => {
  await ada.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await ada.getByRole("button", { name: "Copy link" }).click();
  await says(ada, "copied", "Copied");
  assert.equal(await ada.evaluate(() => navigator.clipboard.readText()), `${url}/#doc-1`);
  assert.equal(await ada.locator("#link").isVisible(), false);
  await go(ada, "doc-2");
  await ada.locator("#copied:empty").waitFor({ state: "attached" });
  await go(ada, "doc-1");
});

await check("where there is no clipboard, the link is there to be copied by hand", async () => {
  const page = await open(`${url}/#doc-1`, {
    viewport: PHONE,
    script: () => Object.defineProperty(Navigator.prototype, "clipboard", { value: undefined }),
  });
  await state(page, "live");
  await page.getByRole("button", { name: "Copy link" }).click();
  const link = page.getByRole("textbox", { name: "Link to this list" });
  await link.waitFor();
  assert.equal(await link.inputValue(), `${url}/#doc-1`);
  assert.equal(await page.evaluate(() => getSelection().toString()), `${url}/#doc-1`);
  await noSidewaysScroll(page);
  await shot(page, "phone-link");
  await page.context().close();
});

// ---- Below a path, and with many names -----------------------------------------------------------

await check("behind a path of a proxy a room is below that path", async () => {
  assert.equal(await webSocketBehind(url, "/live/#a/李"), "/live/ws/a/%E6%9D%8E");
});

await check("10,000 names with statuses: those in view have theirs, and changes are cheap", async () => {
  const page = await open(url, { script: fakeServer, viewport: PHONE });
  const names = Array.from({ length: 10_000 }, (_, i) => `Person ${String(i).padStart(5, "0")}`);
  const third = (which) => names.filter((_, i) => i % 3 === which);
  const status = Object.fromEntries([
    ...third(1).map((name) => [name, "idle"]),
    ...third(2).map((name) => [name, "hidden"]),
  ]);
  await receive(page, ["roster", { epoch: "00000000000000aa", seq: 1, names, status }]);
  await says(page, "count", "10,000");
  const statuses = () =>
    page.evaluate(() =>
      [...document.querySelectorAll("#names li")].map(({ textContent, firstChild }) => [
        Number(textContent.slice(-5)) % 3,
        firstChild.className,
      ]),
    );
  const isRight = async (expected) => {
    for (const [rest, is] of await statuses()) assert.equal(is, expected[rest]);
  };
  await isRight(["active", "idle", "hidden"]);
  await page.evaluate(() => scrollTo(0, 5_000 * 48));
  await page.locator("#names li[aria-posinset='5000']").waitFor();
  await isRight(["active", "idle", "hidden"]);

  const cdp = await page.context().newCDPSession(page);
  await cdp.send("Performance.enable", { timeDomain: "threadTicks" });
  const taken = async () => {
    const { metrics } = await cdp.send("Performance.getMetrics");
    const of = Object.fromEntries(metrics.map(({ name, value }) => [name, value * 1_000]));
    return of.ScriptDuration + of.LayoutDuration + of.RecalcStyleDuration;
  };
  const turned = Object.fromEntries(third(0).map((name) => [name, "idle"]));
  const before = await taken();
  await receive(page, ["change", { seq: 2, joined: [], left: [], status: turned }]);
  await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve))));
  const ms = (await taken()) - before;
  await isRight(["idle", "idle", "hidden"]);
  assert.ok((await items(page).count()) < 1_000);
  assert.ok(ms < 60, `${ms.toFixed(1)} ms`);
  await shot(page, "phone-crowd");
  await page.context().close();
  return `${ms.toFixed(1)} ms for 3,334 of them at once`;
});

await finish();
await server.kill();
