// Our client in pages of several kinds in Chromium: modules, workers, files, the back/forward cache.
//
//     npm ci && node pages.mjs
//
// HEADCOUNT  the server's binary; otherwise ../../../target/release/headcount
// CHROMIUM   the browser's; otherwise /usr/bin/chromium

import assert from "node:assert/strict";
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer as createRelay } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

import * as official from "socket.io-client";

import { HEADCOUNT, Program, check, conclude, here, launch } from "./harness.mjs";

const folder = mkdtempSync(join(tmpdir(), "headcount-"));
process.on("exit", () => rmSync(folder, { recursive: true }));
const file = (name, content) => writeFileSync(join(folder, name), content);

const SCRIPT = "/socket.io/socket.io.js";
const MODULE = "/socket.io/socket.io.esm.min.js";
file("index.html", "<title>page</title>");
file("away.html", "<title>away</title>");
const page = (name, script) => file(name, `<!doctype html><title>waits</title>${script}`);

// Each page puts the list into its title.
const SHOW = 'socket.on("login", (names) => (document.title = names.join()))';
page("classic.html", `<script src="${SCRIPT}"></script><script>
  const asked = new URLSearchParams(location.search);
  const socket = io({ transports: asked.get("by")?.split(",") }); ${SHOW};
  socket.on("connect", () => socket.emit("login", asked.get("name") ?? "classic"));
</script>`);
page("module.html", `<script type="module">
  import io4, { io, connect, Manager, Socket, protocol } from "${MODULE}";
  const socket = io4({ autoConnect: false });
  if (io4 !== io || io !== connect || !(socket instanceof Socket && socket.io instanceof Manager)) throw 1;
  if (protocol !== 5 || "io" in window || "exports" in window) throw 2;
  ${SHOW}; socket.connect().emit("login", "module");
</script>`);
page("global-by-module.html", `<script type="module">
  import "${SCRIPT}";
  const socket = io(); ${SHOW}; socket.emit("login", "global");
</script>`);
page("msgpack.html", `<script src="/socket.io/socket.io.msgpack.min.js"></script><script>
  const socket = io(); ${SHOW}; socket.emit("login", "msgpack");
</script>`);
page("amd.html", `<script>
  function define(make) { window.client = make(); } define.amd = {};
</script><script src="${SCRIPT}"></script><script>
  if ("io" in window) throw 1;
  const socket = client(); ${SHOW}; socket.emit("login", "amd");
</script>`);
page("commonjs.html", `<script>
  var module = { exports: {} }, exports = module.exports;
</script><script src="${SCRIPT}"></script><script>
  if ("io" in window) throw 1;
  const socket = module.exports.default.io(); ${SHOW}; socket.emit("login", "commonjs");
</script>`);
page("twice.html", `<script src="${SCRIPT}"></script><script src="/socket.io/socket.io.min.js"></script>
<script>const socket = io(); ${SHOW}; socket.emit("login", "twice");</script>`);

const server = await Program.start(HEADCOUNT, "--www", folder, "--allow-origin", "*");
const browser = await launch({ ignoreDefaultArgs: ["--disable-back-forward-cache"] });
const complaints = [];

async function open(path, { watched = true } = {}) {
  const context = await browser.newContext();
  context.setDefaultTimeout(10_000);
  const page = await context.newPage();
  page.on("pageerror", (error) => complaints.push(`${path}: ${error}`));
  page.on("console", (message) => {
    const isOfFile = /favicon/.test(message.location().url);
    if (watched && !isOfFile && message.type() === "error") complaints.push(`${path}: ${message.text()}`);
  });
  page.on("request", (request) => {
    if (request.url().endsWith(".map")) complaints.push(`${path} asks for ${request.url()}`);
  });
  await page.goto(path.includes(":") ? path : `${server.url}/${path}`);
  return page;
}

const titled = (page, title) =>
  page.waitForFunction((title) => document.title === title, title, { timeout: 10_000 });

/** The list as the server has it now. */
const listed = async () => (await (await fetch(`${server.url}/roster`)).json()).names.join();

async function isListed(names, within = 10_000) {
  const end = Date.now() + within;
  while ((await listed()) !== names) {
    assert.ok(Date.now() < end, `the list is "${await listed()}" and not "${names}"`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

for (const [what, path, name] of [
  ["a script", "classic.html", "classic"],
  ["a module, which defines nothing", "module.html", "module"],
  ["a script that a module loads", "global-by-module.html", "global"],
  ["the build with another parser", "msgpack.html", "msgpack"],
  ["AMD", "amd.html", "amd"],
  ["CommonJS", "commonjs.html", "commonjs"],
  ["a script that is loaded twice", "twice.html", "twice"],
]) {
  await check(`${what}: ${path}`, async () => {
    const page = await open(path);
    await titled(page, name);
    await page.context().close();
    await isListed("");
  });
}

await check("the module exports what socket.io's does, and comes from another origin too", async () => {
  const page = await open(server.url.replace("127.0.0.1", "localhost") + "/away.html");
  const names = await page.evaluate(async (url) => Object.keys(await import(url)), server.url + MODULE);
  assert.deepEqual(names.sort(), Object.keys(official).filter((name) => name !== "module.exports").sort());
  await page.context().close();
});

// ---- Pages without an address, and workers -----------------------------------------------------

const source = await (await fetch(server.url + SCRIPT)).text();
const { port } = new URL(server.url);
const ADDRESSES = ["", `:${port}`, `http://:${port}`, `127.0.0.1:${port}`, `//127.0.0.1:${port}`, server.url];

/** What comes of each address, in the place that evaluates `run`. */
const tryAll = `async (addresses) => Promise.all(addresses.map((address) => new Promise((resolve) => {
  try {
    const socket = io(address, { forceNew: true, reconnection: false });
    socket.on("login", () => { resolve("connected"); socket.disconnect(); });
    socket.on("connect_error", (error) => resolve(error.message));
  } catch (error) {
    resolve("throws " + error);
  }
})))`;

const NONE = "an address with a host is needed: this page has none itself";
const WITHOUT_HOST = [NONE, NONE, NONE, "connected", "connected", "connected"];
const CONNECTED = ADDRESSES.map(() => "connected");

// Chromium lets no insecure page connect to this machine; what it says then is no cause of ours.
const BLOCKED = WITHOUT_HOST.map((it) => (it === NONE ? it : "xhr poll error"));

file("local.js", source);
file("local.html", `<!doctype html><script src="local.js"></script>`);
for (const [what, url, expected] of [
  ["a page of the server", `${server.url}/away.html`, CONNECTED],
  ["a page of a file", pathToFileURL(join(folder, "local.html")).href, WITHOUT_HOST],
  ["a page of nothing", "about:blank", BLOCKED],
  ["a page of data:", "data:text/html,<title>x</title>", BLOCKED],
]) {
  await check(`io() in ${what}`, async () => {
    const page = await open(url, { watched: false });
    if (!(await page.evaluate(() => "io" in window))) await page.evaluate(source);
    assert.deepEqual(await page.evaluate(`(${tryAll})(${JSON.stringify(ADDRESSES)})`), expected);
    await page.context().close();
  });
}

await check("io() in a frame of about:blank, which has the host of its page", async () => {
  const page = await open("away.html");
  const result = await page.evaluate(
    ([source, tryAll, addresses]) => {
      const frame = document.body.appendChild(document.createElement("iframe"));
      frame.contentWindow.eval(source);
      return frame.contentWindow.eval(`(${tryAll})`)(addresses);
    },
    [source, tryAll, ADDRESSES],
  );
  assert.deepEqual(result, CONNECTED);
  await page.context().close();
});

file("worker.js", `importScripts("${SCRIPT}"); onmessage = async ({ data }) => postMessage([origin, await (${tryAll})(data)]);`);
file("worker.mjs", `import io from "${MODULE}"; onmessage = async ({ data }) => postMessage([origin, await (${tryAll})(data)]);`);
// The server sees new files within seconds.
for (let tries = 0; !(await fetch(`${server.url}/worker.mjs`)).ok && tries < 100; tries++) {
  await new Promise((done) => setTimeout(done, 100));
}
for (const [what, make, origins] of [
  ["a worker", `new Worker("/worker.js")`, [server.url]],
  ["a worker of modules", `new Worker("/worker.mjs", { type: "module" })`, [server.url]],
  ["a worker of blob:", `new Worker(URL.createObjectURL(new Blob([code])))`, [server.url]],
  // By the standard it has no origin. Chromium gives it that of its page, unless its feature
  // DataUrlWorkerOpaqueOrigin is on, which differs between builds.
  ["a worker of data:", `new Worker("data:text/javascript," + encodeURIComponent(code))`, ["null", server.url]],
]) {
  await check(`io() in ${what}`, async () => {
    const page = await open("away.html");
    const code = `${source}; onmessage = async ({ data }) => postMessage([origin, await (${tryAll})(data)]);`;
    const [origin, result] = await page.evaluate(
      ([make, code, addresses]) =>
        new Promise((resolve, reject) => {
          const worker = new Function("code", `return ${make}`)(code);
          worker.onmessage = ({ data }) => resolve(data);
          worker.onerror = ({ message }) => reject(new Error(message));
          worker.postMessage(addresses);
        }),
      [make, code, ADDRESSES],
    );
    assert.ok(origins.includes(origin), origin);
    assert.deepEqual(result, origin === "null" ? WITHOUT_HOST : CONNECTED);
    await page.context().close();
  });
}

await check("node without WebSocket says what to do", async () => {
  const { spawnSync } = await import("node:child_process");
  const run = (flags, code) =>
    spawnSync(process.execPath, [...flags, "-e", code], { cwd: here("."), encoding: "utf8", timeout: 9_000 });
  // Whoever downloads it has it in a package of his own; www/ is one of modules.
  const client = join(folder, "downloaded.cjs");
  copyFileSync(here("../../../www/socket.io.js"), client);
  const start = `delete globalThis.WebSocket; const io = require(${JSON.stringify(client)});`;
  const without = run([], `${start} io("http://127.0.0.1:1", { transports: ["websocket"], reconnection: false })
    .on("connect_error", (error) => console.log(error.message));`);
  assert.match(without.stdout, /no WebSocket here.*option "WebSocket"/, without.stderr);
  const withOne = run([], `${start} const socket = io(${JSON.stringify(server.url)}, { WebSocket: require("ws") });
    socket.on("login", (names) => { console.log("connected"); socket.disconnect(); });`);
  assert.equal(withOne.stdout, "connected\n", withOne.stderr);
  const polling = run([], `${start} const socket = io(${JSON.stringify(server.url)});
    socket.on("login", () => { console.log(socket.io.engine.transport.name); socket.disconnect(); });`);
  assert.equal(polling.stdout, "polling\n", polling.stderr);
});

// ---- Leaving and coming back -------------------------------------------------------------------

for (const [by, way] of [
  ["", ""],
  [", with long-polling", "&by=polling"],
  [", with a WebSocket after that", "&by=polling,websocket"],
]) {
  await check(`a page that goes into the back/forward cache leaves at once, and is back at once${by}`, async () => {
    const page = await open(`classic.html?name=Ada${way}`);
    await titled(page, "Ada"); // so that its first `connect` is not among what is heard
    await page.evaluate(() => {
      window.isSame = true;
      window.heard = [];
      for (const event of ["disconnect", "connect"]) socket.on(event, (why) => window.heard.push(why ?? event));
      socket.on("login", (names) => names.includes("Ada") && (window.back ??= []).push(performance.now()));
      addEventListener("pageshow", () => (window.shown = performance.now()));
    });
    for (let round = 1; round <= 4; round++) {
      await isListed("Ada");
      await page.goto(`${server.url}/away.html`);
      await isListed("", 1_000);
      await page.evaluate(() => (window.back = [])).catch(() => {});
      await page.goBack({ waitUntil: "commit" });
      assert.equal(await page.evaluate(() => window.isSame), true, "the page came from the cache");
      await isListed("Ada", 1_000);
      const count = () => page.evaluate(() => window.heard.splice(0));
      assert.deepEqual(await count(), ["transport close", "connect"]);
    }
    const [wait] = await page.evaluate(() => window.back.slice(-1).map((at) => at - window.shown));
    await page.context().close();
    await isListed("");
    assert.ok(wait < 1_000, `${wait} ms after it was shown`);
  });

  await check(`a page that is reloaded or closed leaves, and hears nothing${by}`, async () => {
    const page = await open(`classic.html?name=Bob${way}`);
    await titled(page, "Bob");
    const heard = [];
    await page.exposeFunction("hear", (...what) => heard.push(what));
    await page.evaluate(() => socket.on("disconnect", (why) => window.hear(why)));
    await isListed("Bob");
    await page.reload();
    await isListed("Bob");
    await page.close();
    await isListed("", 1_000);
    assert.deepEqual(heard, []);
  });
}

await check("a page that is closed is held as closed, not as lost, with long-polling too", async () => {
  const holding = await Program.start(HEADCOUNT, "--www", folder, "--hold-closed-ms", "200", "--hold-lost-ms", "20000");
  for (const way of ["websocket", "polling"]) {
    const page = await open(`${holding.url}/classic.html?name=Kay&by=${way}`);
    await titled(page, "Kay");
    await page.close({ runBeforeUnload: false });
    const end = Date.now() + 5_000;
    while ((await (await fetch(`${holding.url}/roster`)).json()).names.length > 0) {
      assert.ok(Date.now() < end, `${way}: it is still held`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await page.context().close();
  }
  await holding.kill();
});

await check("what is said to a link that fell silent is said on the next", async () => {
  const silent = new Set();
  const relay = createRelay((near) => {
    const far = connect(port, "127.0.0.1");
    const pass = (from, to) =>
      from
        .on("data", (bytes) => silent.has(near) || to.write(bytes))
        .on("error", () => {})
        .on("close", () => silent.has(near) || to.destroy());
    pass(near, far);
    pass(far, near);
    links.push(near);
  });
  const links = [];
  await new Promise((resolve) => relay.listen(0, "127.0.0.1", resolve));
  const page = await open(`http://127.0.0.1:${relay.address().port}/classic.html?name=Eve`);
  await isListed("Eve");
  links.forEach((link) => silent.add(link));
  await page.evaluate(() => {
    const { now } = Date;
    Date.now = () => now() + 3_600_000; // the machine has slept for an hour
    socket.emit("login", "Eve after an hour");
    window.reasons = [];
    socket.off("connect").on("disconnect", (why) => window.reasons.push(why));
  });
  await titled(page, "Eve,Eve after an hour"); // the dead one is the server's to find out
  assert.deepEqual(await page.evaluate(() => window.reasons), ["ping timeout"]);
  await page.context().close();
  relay.close();
  links.forEach((link) => link.destroy());
});

await check("no errors in any page, and nobody asked for a map", () => {
  assert.deepEqual(complaints, []);
});

await browser.close();
await server.kill();
conclude();
