// The official clients, and our own, against a running headcount: each in node and in Chromium.
//
//     npm ci && node interop.mjs
//
// HEADCOUNT  the server's binary; otherwise ../../../target/release/headcount
// SUITE      the suite application's; otherwise ../../../target/debug/examples/socketio_suite
// CHROMIUM   the browser's; otherwise /usr/bin/chromium

import { readFileSync } from "node:fs";

import { io as io4 } from "socket.io-client";
import io1 from "socket.io-client-1";
import io2 from "socket.io-client-2";
import io3 from "socket.io-client-3";

import { BLOCKING, Gate } from "./gate.mjs";
import { HEADCOUNT, Program, SUITE, check, conclude, here, launch } from "./harness.mjs";
import { ours } from "./ours.mjs";
import * as scenarios from "./scenarios.mjs";

const official = (folder) => here(`node_modules/${folder}/dist/socket.io.min.js`);
const official2 = here("node_modules/socket.io-client-2/dist/socket.io.js");
const version = (folder) =>
  JSON.parse(readFileSync(here(`node_modules/${folder}/package.json`))).version;

const headcount = await Program.start(HEADCOUNT);
const eio3 = await Program.start(
  HEADCOUNT,
  "--allow-eio3",
  ...["--rooms", "custom", "--ping-interval-ms", "300", "--pong-timeout-ms", "10000"],
);
const suite = await Program.start(SUITE);

// The last word is the server for them. The suite's application is for Socket.IO v5 alone.
const CLIENTS = [
  [`socket.io-client ${version("socket.io-client")}`, io4, official("socket.io-client")],
  [`socket.io-client ${version("socket.io-client-3")}`, io3, official("socket.io-client-3")],
  [`socket.io-client ${version("socket.io-client-2")}`, io2, official2, eio3],
  [`socket.io-client ${version("socket.io-client-1")}`, io1, official("socket.io-client-1"), eio3],
  ["our client", ours, here("../../../www/socket.io.js")],
];

const fateOf = (server) => ({ kill: () => server.kill(), revive: () => server.revive() });

// By default ours begins with a WebSocket, and moves to one when it is told to begin with polling.
// Version 1 encodes polled text twice, so that it has only ASCII right that way, with socket.io too.
const waysOf = (io) => {
  const [[name, way], ...others] = Object.entries(scenarios.WAYS);
  if (io === io1) return others.slice(-1);
  if (io !== ours) return [[name, way], ...others];
  return [[name, { transports: ["polling", "websocket"] }], ...others, ["by default", {}]];
};

for (const [name, io, , server = headcount] of CLIENTS) {
  for (const [by, way] of waysOf(io)) {
    await check(`${name}, node, ${by}: the roster`, () => scenarios.roster(io, server.url, way));
    await check(`${name}, node, ${by}: a restart`, () =>
      scenarios.reconnect(io, server.url, fateOf(server), way),
    );
    if (server !== eio3) continue;
    await check(`${name}, node, ${by}: Socket.IO v4`, () => scenarios.v4(io, server.url, way));
  }
  if (server === eio3) continue;
  await check(`${name}, node: the suite's application`, () => scenarios.suite(io, suite.url));
}

const browser = await launch();
const source = readFileSync(here("scenarios.mjs"), "utf8");

// Runs a scenario in a page, of the server that it is about, with the script that defines `io`.
async function inPage(script, scenario, server, way) {
  const context = await browser.newContext({ bypassCSP: true });
  const page = await context.newPage();
  for (const [act, run] of Object.entries(fateOf(server))) await page.exposeFunction(act, run);
  await page.goto(`${server.url}/of/no/matter`);
  await page.addScriptTag({ path: script });
  await page.evaluate(
    async ([source, scenario, way]) => {
      const module = await import(`data:text/javascript,${encodeURIComponent(source)}`);
      await module[scenario](window.io, location.origin, ...(scenario === "reconnect" ? [window] : []), way);
    },
    [source, scenario, way],
  );
  if (scenario === "roster") await isEmpty(server.url);
  await context.close();
}

/** Waits until nobody is there: the goodbye of a page that is closed at once may not be sent. */
async function isEmpty(url) {
  const rooms = ["", "/custom"].map((room) => `${url}/roster${room}`);
  const isThere = async (room) => (await (await fetch(room)).json()).names?.length > 0;
  while ((await Promise.all(rooms.map(isThere))).includes(true)) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

for (const [name, io, script, server = headcount] of CLIENTS) {
  for (const [by, way] of waysOf(io)) {
    await check(`${name}, Chromium, ${by}: the roster`, () =>
      inPage(script, "roster", server, way),
    );
    await check(`${name}, Chromium, ${by}: a restart`, () =>
      inPage(script, "reconnect", server, way),
    );
    if (server !== eio3) continue;
    await check(`${name}, Chromium, ${by}: Socket.IO v4`, () =>
      inPage(script, "v4", server, way),
    );
  }
  if (server === eio3) continue;
  await check(`${name}, Chromium: the suite's application`, () => inPage(script, "suite", suite));
}

// ---- Where no WebSocket gets through, and from another origin ------------------------------------

// Those of today's protocol.
const CURRENT = CLIENTS.filter(([, , , server]) => server !== eio3);

// How long ours waits for a WebSocket is a quarter of this.
const QUICK = { timeout: 2_000 };

// What the official ones make of each obstacle is theirs: that they get by at all is seen with one.
for (const obstacle of BLOCKING) {
  for (const [name, io, script] of CURRENT) {
    if (io !== ours && obstacle !== "refuse") continue;
    await check(`${name}, by default, where a WebSocket meets: ${obstacle}`, () =>
      byGate(headcount, obstacle, async (gate) => {
        await scenarios.roster(io, gate.url, QUICK);
        await inPage(script, "roster", gate, QUICK);
        if (obstacle === "refuse") await inPage(script, "reconnect", gate, QUICK);
        const kinds = gate.kinds();
        if (!kinds.includes("websocket")) throw new Error("no WebSocket was tried");
      }),
    );
  }
}

async function byGate(server, way, act) {
  const gate = await Gate.start(server.url, way);
  Object.assign(gate, fateOf(server));
  await act(gate).finally(() => gate.stop());
}

const away = await Program.start(HEADCOUNT, "--allow-origin", headcount.url);

for (const [name, , script] of CURRENT) {
  for (const more of [{}, { withCredentials: true }, { withCredentials: true, extraHeaders: { "X-Mine": "1" } }]) {
    const how = Object.keys(more).join(" and ") || "nothing of its own";
    await check(`${name}, Chromium, long-polling from another origin with ${how}`, () =>
      byGate(away, "open", async (gate) => {
        await fromOrigin(headcount.url, script, gate.url, { ...more, transports: ["polling"] });
        const isAsked = gate.kinds().includes("OPTIONS");
        if (isAsked !== "extraHeaders" in more) throw new Error(`preflights: ${isAsked}`);
      }),
    );
  }
  await check(`${name}, Chromium, long-polling from an origin that may not`, async () => {
    for (const extraHeaders of [undefined, { "X-Mine": "1" }]) {
      const way = { transports: ["polling"], extraHeaders };
      await fromOrigin(suite.url, script, away.url, way, "refused");
    }
  });
}

/** Runs a scenario in a page of `origin`, about a server elsewhere. */
async function fromOrigin(origin, script, url, way, scenario = "roster") {
  const context = await browser.newContext({ bypassCSP: true });
  const page = await context.newPage();
  await page.goto(`${origin}/of/no/matter`);
  await page.addScriptTag({ path: script });
  await page.evaluate(
    async ([source, scenario, url, way]) => {
      const module = await import(`data:text/javascript,${encodeURIComponent(source)}`);
      await module[scenario](window.io, url, way);
    },
    [source, scenario, url, way],
  );
  if (scenario === "roster") await isEmpty(url);
  await context.close();
}

await browser.close();
await Promise.all([headcount, eio3, suite, away].map((server) => server.kill()));
conclude();
