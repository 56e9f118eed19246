// The examples of "viewing now", in plain JavaScript and in React, and the program that watches a
// room, against the real server.
//
//     npm ci && npm --prefix bundlers ci && node viewing.mjs

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, rmSync } from "node:fs";
import { createRequire } from "node:module";

import { PHONE, Server, check, finish, here, noSidewaysScroll, open, shot } from "./harness.mjs";

const examples = here("../../../examples");
const { build } = createRequire(here("bundlers/"))("esbuild");

const viewers = (page) => page.getByRole("list", { name: "Viewing now" });
const circle = (page, name) => viewers(page).locator(`li[title^="${name}"]`);
const isThere = (page, name) => circle(page, name).waitFor();
const isGone = (page, name) => circle(page, name).waitFor({ state: "detached" });
const as = (name, hue) => ({
  script: ([name, hue]) => Object.assign(sessionStorage, { name, hue }),
  argument: [name, hue],
});
const background = (page, name) =>
  circle(page, name).evaluate((node) => getComputedStyle(node).backgroundColor);
const namesIn = async (server, room) => {
  const path = room.split("/").map(encodeURIComponent).join("/");
  return (await (await fetch(`${server.url}/roster/${path}`)).json()).names;
};
const hide = (page, hidden) =>
  page.evaluate((hidden) => {
    Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
  }, hidden);

// Members of a room, without a page of their own, and with data that no page of ours has.
const crowd = (page, room, names, data) =>
  page.evaluate(
    async ([room, names, data]) => {
      const { connect } = await import("/headcount.js");
      window.crowd = names.map(() => connect("/ws", { room }));
      await Promise.all(window.crowd.map((one, i) => one.login(names[i], { data })));
    },
    [room, names, data],
  );

// ---- In plain JavaScript -------------------------------------------------------------------------

const plain = await Server.start("--www", `${examples}/viewing-now`);
const ROOM = "docs/getting-started";
let fox;
let owl;

await check("viewing now: two readers see each other, each in its colour, itself first", async () => {
  fox = await open(plain.url, as("Fox 1", 20));
  owl = await open(plain.url, { ...as("Owl 2", 200), colorScheme: "dark", viewport: PHONE });
  for (const page of [fox, owl]) {
    await isThere(page, "Fox 1");
    await isThere(page, "Owl 2");
  }
  assert.equal(await background(owl, "Fox 1"), await background(fox, "Fox 1"));
  assert.notEqual(await background(owl, "Fox 1"), await background(owl, "Owl 2"));
  assert.deepEqual(await viewers(owl).locator("li").allTextContents(), ["O", "F"]);
  assert.deepEqual(await namesIn(plain, ROOM), ["Fox 1", "Owl 2"]);
  assert.deepEqual(await plain.names(), [], "nobody is in the room without a name");
});

await check("viewing now: a hidden window fades, and one that is closed leaves", async () => {
  await hide(owl, true);
  await fox.locator('li.hidden[title="Owl 2 (hidden)"]').waitFor();
  await hide(owl, false);
  await fox.locator('li.active[title="Owl 2"]').waitFor();
});

await check("viewing now: what strangers send does no harm, and many are a number", async () => {
  const names = ["<img src=x>", "__proto__", "A", "B", "C"];
  await crowd(fox, ROOM, names, { hue: "0 0% 0%); background: url(//evil.example)" });
  for (const page of [fox, owl]) {
    await viewers(page).getByText("+2", { exact: true }).waitFor();
    assert.equal(await viewers(page).locator("li").count(), 6);
    assert.equal(await viewers(page).locator("img").count(), 0);
    assert.equal(await page.evaluate(() => document.querySelector("#viewers li:nth-child(2)").style.background), "");
    await noSidewaysScroll(page);
  }
  await shot(fox, "viewing-now");
  await shot(owl, "viewing-now-phone-dark");
  await fox.context().close();
  await viewers(owl).locator("li").nth(1).waitFor({ state: "detached" }); // all but itself
  assert.deepEqual(await namesIn(plain, ROOM), ["Owl 2"]);
  await owl.context().close();
});
await plain.kill();

// ---- In React ------------------------------------------------------------------------------------

const dist = here("bundlers/dist/viewing-now-react");

await check("react: it builds, with the module by its name", async () => {
  rmSync(dist, { recursive: true, force: true });
  mkdirSync(dist, { recursive: true });
  const { errors, warnings } = await build({
    entryPoints: [`${examples}/viewing-now-react/main.jsx`],
    alias: { headcount: here("../../../www/headcount.js") },
    nodePaths: [here("bundlers/node_modules")],
    bundle: true,
    format: "esm",
    jsx: "automatic",
    jsxDev: true, // so that StrictMode mounts twice
    define: { "process.env.NODE_ENV": '"development"' },
    outdir: dist,
  });
  assert.deepEqual([...errors, ...warnings], []);
  cpSync(`${examples}/viewing-now-react/index.html`, `${dist}/index.html`);
});

const react = await Server.start("--www", dist);

await check("react: mounted twice by StrictMode, a reader is there once, on one connection", async () => {
  const sockets = [];
  const sent = [];
  fox = await open(`${react.url}/healthz`, as("Fox 1", 20));
  fox.on("websocket", (socket) => sockets.push(socket));
  fox.on("websocket", (socket) =>
    socket.on("framesent", ({ payload }) => sent.push(JSON.parse(payload)[0])),
  );
  await fox.goto(react.url);
  owl = await open(react.url, as("Owl 2", 200));
  for (const page of [fox, owl]) {
    await isThere(page, "Fox 1");
    await isThere(page, "Owl 2");
  }
  assert.equal(sockets.length, 1);
  // What StrictMode leaves again before the server has said welcome was never asked for.
  const requests = sent.filter((event) => event !== "ping");
  assert.deepEqual(requests, ["hello", "enter", "login"]);
  assert.deepEqual(await namesIn(react, "docs/Getting started"), ["Fox 1", "Owl 2"]);
  assert.equal(await background(owl, "Fox 1"), await background(fox, "Fox 1"));
});

await check("react: another page is another room, on the same connection", async () => {
  await fox.getByRole("button", { name: "Reference" }).click();
  await fox.getByRole("heading", { name: "Reference" }).waitFor();
  await isThere(fox, "Fox 1");
  await isGone(owl, "Fox 1");
  await isGone(fox, "Owl 2");
  assert.deepEqual(await namesIn(react, "docs/Getting started"), ["Owl 2"]);
  assert.deepEqual(await namesIn(react, "docs/Reference"), ["Fox 1"]);
  await fox.getByRole("button", { name: "Getting started" }).click();
  await isThere(fox, "Owl 2");
  await isThere(owl, "Fox 1");
});

await check("react: statuses and data of others are rendered anew", async () => {
  await hide(owl, true);
  await fox.locator('li.hidden[title="Owl 2 (hidden)"]').waitFor();
  await hide(owl, false);
  await fox.locator('li.active[title="Owl 2"]').waitFor();
  await shot(fox, "viewing-now-react");
  await owl.context().close();
  await isGone(fox, "Owl 2");
});
await fox.context().close();
await react.kill();

// ---- The program -----------------------------------------------------------------------------------

const [major] = process.versions.node.split(".").map(Number);

await check("watch.mjs prints who comes, who goes, and what is new", async () => {
  const server = await Server.start();
  const flags = major < 22 ? ["--experimental-websocket", "--no-warnings"] : [];
  const arguments_ = [...flags, `${examples}/watch.mjs`, `${server.url}/ws`, "a/b c"];
  const child = spawn(process.execPath, arguments_, { stdio: ["ignore", "pipe", "inherit"] });
  const lines = [];
  child.stdout.setEncoding("utf8").on("data", (text) => lines.push(...text.trim().split("\n")));
  const prints = async (line) => {
    for (let tries = 0; !lines.includes(line); tries++) {
      assert.ok(tries < 200, `${line} is not among\n${lines.join("\n")}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  await prints("= 0 here");
  const page = await open(`${server.url}/#a/b%20c`);
  await page.evaluate(async () => {
    const { connect } = await import("/headcount.js");
    window.room = connect("/ws", { room: "a/b c" });
    await window.room.login("Ada", { data: { color: "teal" }, status: "idle" });
  });
  await prints('+ Ada idle {"color":"teal"}');
  await page.evaluate(() => window.room.set({ status: "active", data: { color: null } }));
  await prints("~ Ada");
  await page.evaluate(() => window.room.close());
  await prints("- Ada");
  child.kill("SIGINT");
  const [code] = await once(child, "exit");
  assert.equal(code, 0);
  assert.equal(lines.at(-1), "(closed)");
  await page.context().close();
  await server.kill();
});

await finish();
