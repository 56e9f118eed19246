// A network that is gone for 10 s, again and again, with many clients behind it: an observer on the
// other side must not be told anything. Each of them loses its connection, and is held.
//
//     ./run cuts
//
// CUTS       how often; otherwise 4
// CLIENTS    of headcount.js in Node; otherwise 240. TABS in Chromium; otherwise 10

import assert from "node:assert/strict";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import { start } from "./engines.mjs";
import { Trial } from "./trial.mjs";

const CUTS = Number(process.env.CUTS ?? 4);
const CLIENTS = Number(process.env.CLIENTS ?? 240);
const TABS = Number(process.env.TABS ?? 10);
const CUT = 10_000; // ms
const REST = 31_000; // ms; a client takes a connection for stable that lasts for 30 s
const BACK_WITHIN = 15_000; // ms

/** `server` pings every 2 s and waits for pongs for 5 s, so each cut ends all connections. */
export async function cuts(server) {
  const { engine, machine, browser } = await start("chromium");
  const url = `http://${machine.home}:${server.port}`;
  const trial = new Trial({ engine, machine, browser });
  await trial.begin({ ...server, url });
  const { observer, room } = trial;
  observer.ignoresStatus = true; // tabs are hidden by others, and shown
  const seeing = await nodes(machine, url, room, observer);
  for (let i = 0; i < TABS; i++) {
    if (i > 0) await trial.tab();
    await trial.visit(`tab ${i}`);
  }
  const tabs = await browser.windows();

  for (let i = 1; i <= CUTS; i++) {
    await sleep(REST);
    await observer.seesNothing(0);
    observer.ignoresStatus = false;
    const before = await lost(server);
    machine.cut();
    await sleep(CUT);
    machine.repair();
    const from = Date.now();
    // Whoever sees Zoe come is back; the observer would see if another was gone.
    observer.send("login", "Zoe");
    await observer.sees({ joined: ["Zoe"] });
    while (seeing() < CLIENTS) {
      assert.ok(Date.now() - from < BACK_WITHIN, `${seeing()} clients are back`);
      await sleep(50);
    }
    observer.ignoresStatus = true;
    for (const tab of tabs) {
      await browser.switch(tab);
      await trial.shows(() => document.querySelector("#names").textContent.includes("Zoe"));
    }
    const back = ((Date.now() - from) / 1_000).toFixed(1);
    observer.send("logout");
    await observer.sees({ left: ["Zoe"] });
    const ended = (await lost(server)) - before;
    assert.ok(ended >= CLIENTS + TABS, `${ended} connections were lost`);
    console.log(`ok    cut ${i}: 0 frames; ${ended} connections lost; all back after ${back} s`);
  }
  await observer.seesNothing(20_000); // longer than any is held
  const sum = CUTS * (CLIENTS + TABS);
  console.log(`${sum} cuts (${CUTS} × ${CLIENTS} in Node and ${TABS} in Chromium): 0 frames`);
}

// How many clients in Node see Zoe.
async function nodes(machine, url, room, observer) {
  const flag = "--experimental-websocket"; // before Node 22
  const program = fileURLToPath(new URL("clients.mjs", import.meta.url));
  const address = `${url.replace("http", "ws")}/ws`;
  const child = machine.spawn(process.execPath, [flag, program, address, room, String(CLIENTS)]);
  let count = 0;
  createInterface(child.stdout).on("line", (line) => (count = Number(line)));
  for (let joined = 0; joined < CLIENTS;)
    joined += (await observer.next("change"))[1].joined.length;
  return () => count;
}

/** How many connections have ended since no pong came, as the server says. */
async function lost({ local }) {
  const text = await (await fetch(`${local}/metrics`)).text();
  return Number(/closed_total\{cause="pong_timeout"\} (\d+)/.exec(text)[1]);
}
