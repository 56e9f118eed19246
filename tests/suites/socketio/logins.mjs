#!/usr/bin/env node
// The CPU that a server takes when many clients of Socket.IO log in at once: headcount's beside
// that of socket.io's own server. Each has the whole list when all is done.
//
//     npm ci && node logins.mjs [--clients 1000] [--transport polling|websocket]
//
// The clients share a machine with the server, and are the same for both: read the ratio.

import { readFile } from "node:fs/promises";
import { Agent } from "node:http";
import { parseArgs } from "node:util";

import { io } from "socket.io-client";

import { HEADCOUNT, Program, here } from "./harness.mjs";

const { values } = parseArgs({
  options: {
    clients: { type: "string", default: "1000" },
    transport: { type: "string", default: "polling" },
  },
});
const count = Number(values.clients);
const TICKS_A_SECOND = 100;

/** User and system time of a process, in seconds. */
async function cpu(pid) {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND;
}

const next = (socket, event, is) =>
  new Promise((resolve) => {
    socket.on(event, function hear(...args) {
      if (!is(...args)) return;
      socket.off(event, hear);
      resolve();
    });
  });

/** How long it takes until all know of all, and what of that is the server's CPU. */
async function logins(server) {
  const agent = new Agent({ keepAlive: true, maxSockets: Infinity });
  const options = { forceNew: true, transports: [values.transport], agent };
  const sockets = Array.from({ length: count }, () => io(server.url, options));
  await Promise.all(sockets.map((socket) => next(socket, "login", () => true)));
  const [began, before] = [performance.now(), await cpu(server.pid)];
  const all = sockets.map((socket) => next(socket, "login", (list) => list.length === count));
  sockets.forEach((socket, index) => socket.emit("login", `client ${index}`));
  await Promise.all(all);
  const seconds = (performance.now() - began) / 1000;
  const used = (await cpu(server.pid)) - before;
  for (const socket of sockets) socket.close();
  agent.destroy();
  await server.kill();
  return { seconds, used };
}

const servers = [
  ["headcount", () => Program.start(HEADCOUNT, "--log-level", "warn")],
  ["socket.io", () => Program.start(here("reference.mjs"), "--transports", values.transport)],
];
const results = {};
for (const [name, start] of servers) {
  const result = (results[name] = await logins(await start()));
  const { seconds, used } = result;
  console.log(
    `${name}: ${count} logins by ${values.transport}, all told after ${seconds.toFixed(2)} s, ` +
      `CPU ${used.toFixed(2)} s`,
  );
}
const ratio = results["socket.io"].used / results.headcount.used;
console.log(`socket.io takes ${ratio.toFixed(1)} times as much CPU`);
process.exit(0);
