// The official clients, and our own, against a running headcount: each in node and in Chromium.
//
//     npm ci && node interop.mjs
//
// HEADCOUNT  the server's binary; otherwise ../../../target/release/headcount
// SUITE      the suite application's; otherwise ../../../target/release/examples/socketio_suite
// CHROMIUM   the browser's; otherwise /usr/bin/chromium

import { readFileSync } from "node:fs";

import { io as io4 } from "socket.io-client";
import io3 from "socket.io-client-3";

import { BLOCKING, Gate } from "./gate.mjs";
import { HEADCOUNT, Program, SUITE, check, conclude, here, launch } from "./harness.mjs";
import { ours } from "./ours.mjs";
import * as scenarios from "./scenarios.mjs";

const official = (folder) => here(`node_modules/${folder}/dist/socket.io.min.js`);
const version = (folder) =>
  JSON.parse(readFileSync(here(`node_modules/${folder}/package.json`))).version;

const CLIENTS = [
  [`socket.io-client ${version("socket.io-client")}`, io4, official("socket.io-client")],
  [`socket.io-client ${version("socket.io-client-3")}`, io3, official("socket.io-client-3")],
  ["our client", ours, here("../../../www/socket.io.js")],
];

const headcount = await Program.start(HEADCOUNT);
const suite = await Program.start(SUITE);
const fate = { kill: () => headcount.kill(), revive: () => headcount.revive() };

// By default ours begins with a WebSocket, and moves to one when it is told to begin with polling.
const waysOf = (io) => {
  const [[name, way], ...others] = Object.entries(scenarios.WAYS);
  if (io !== ours) return [[name, way], ...others];
  return [[name, { transports: ["polling", "websocket"] }], ...others, ["by default", {}]];
};

for (const [name, io] of CLIENTS) {
  for (const [by, way] of waysOf(io)) {
    await check(`${name}, node, ${by}: the roster`, () => scenarios.roster(io, headcount.url, way));
    await check(`${name}, node, ${by}: a restart`, () =>
      scenarios.reconnect(io, headcount.url, fate, way),
    );
  }
  await check(`${name}, node: the suite's application`, () => scenarios.suite(io, suite.url));
}

const browser = await launch();
const source = readFileSync(here("scenarios.mjs"), "utf8");

// Runs a scenario in a page, of the server that it is about, with the script that defines `io`.
async function inPage(script, scenario, { url }, way) {
  const context = await browser.newContext({ bypassCSP: true });
  const page = await context.newPage();
  for (const [act, run] of Object.entries(fate)) await page.exposeFunction(act, run);
  await page.goto(`${url}/of/no/matter`);
  await page.addScriptTag({ path: script });
  await page.evaluate(
    async ([source, scenario, way]) => {
      const module = await import(`data:text/javascript,${encodeURIComponent(source)}`);
      await module[scenario](window.io, location.origin, ...(scenario === "reconnect" ? [window] : []), way);
    },
    [source, scenario, way],
  );
  await context.close();
}

for (const [name, io, script] of CLIENTS) {
  for (const [by, way] of waysOf(io)) {
    await check(`${name}, Chromium, ${by}: the roster`, () =>
      inPage(script, "roster", headcount, way),
    );
    await check(`${name}, Chromium, ${by}: a restart`, () =>
      inPage(script, "reconnect", headcount, way),
    );
  }
  await check(`${name}, Chromium: the suite's application`, () => inPage(script, "suite", suite));
}

// ---- Where no WebSocket gets through, and from another origin ------------------------------------

// How long ours waits for a WebSocket is a quarter of this.
const QUICK = { timeout: 2_000 };

for (const obstacle of BLOCKING) {
  for (const [name, io, script] of CLIENTS) {
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
  await act(gate).finally(() => gate.stop());
}

const away = await Program.start(HEADCOUNT, "--allow-origin", headcount.url);

for (const [name, , script] of CLIENTS) {
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
  await context.close();
}

await browser.close();
await Promise.all([headcount.kill(), suite.kill(), away.kill()]);
conclude();
