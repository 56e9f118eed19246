// What others see of readers in three engines: one line for each case, and a table at the end.
//
//     ./run [all] [chromium] [firefox] [webkit] [--only WORDS]
//     ./run cuts
//
// Without `all`, those cases that take no longer than CI has time for. The engines run at once.
// `cuts` is cuts.mjs.

import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

import { HEADCOUNT, Program } from "../program.mjs";
import { cases } from "./cases.mjs";
import { cuts } from "./cuts.mjs";
import { ENGINES, display, start } from "./engines.mjs";
import { Trial } from "./trial.mjs";
import { Wire } from "./wire.mjs";

const options = { only: { type: "string", default: "" } };
const { values, positionals } = parseArgs({ allowPositionals: true, options });
const isAll = positionals.includes("all");
const named = positionals.filter((word) => word !== "all");
const engines = named.length > 0 ? named : ENGINES;
const wanted = cases.filter(({ name, all }) => (isAll || !all) && name.includes(values.only));

class Server extends Program {
  host = "0.0.0.0"; // of a network that is the suite's alone

  static async start(...flags) {
    const held = ["--hold-closed-ms", "3000", "--hold-lost-ms", "15000"];
    const server = await super.start(HEADCOUNT, ...held, "--compression", "off", ...flags);
    server.port = new URL(server.url).port;
    server.local = `http://127.0.0.1:${server.port}`;
    return server;
  }
}

const table = new Map(wanted.map(({ name }) => [name, {}]));
let failed = 0;

async function runIn(engine, servers) {
  const { version, machine, browser } = await start(engine);
  const seen = (name) => ({
    ...servers[name],
    url: `http://${machine.home}:${servers[name].port}`,
  });
  const lab = {
    engine,
    machine,
    browser,
    times: isAll ? 20 : 5,
    wire: await Wire.start(servers.usual.local, machine.home),
    ownWire: await Wire.start(servers.own.local, machine.home),
  };
  for (const { name, server = "usual", isEnd, run } of wanted) {
    const trial = new Trial(lab);
    const started = Date.now();
    const took = () => `${((Date.now() - started) / 1_000).toFixed(0)} s`;
    try {
      await trial.begin(seen(server));
      const note = await run(trial);
      table.get(name)[engine] = note;
      console.log(`ok    ${engine}: ${name} (${note}) [${took()}]`);
    } catch (error) {
      failed++;
      table.get(name)[engine] = "**failed**";
      const words = String(error.stack).replaceAll("\n", "\n      ");
      console.log(`FAIL  ${engine}: ${name} [${took()}]\n      ${words}`);
    }
    machine.repair();
    trial.observer?.end();
    if (!isEnd) await trial.end();
  }
  machine.end();
  return version;
}

const pages = fileURLToPath(new URL("pages", import.meta.url));
execFileSync("ip", ["link", "set", "lo", "up"]);
await display();
const servers = {
  usual: await Server.start(),
  brisk: await Server.start("--ping-interval-ms", "2000", "--pong-timeout-ms", "5000"),
  own: await Server.start("--ping-interval-ms", "2000", "--www", pages),
};
if (positionals.includes("cuts")) {
  await cuts(servers.brisk);
  process.exit();
}
const versions = await Promise.all(engines.map((engine) => runIn(engine, servers)));

console.log(`\n| | ${versions.join(" | ")} |\n|---|${engines.map(() => "---|").join("")}`);
for (const [name, notes] of table) {
  console.log(`| ${name} | ${engines.map((engine) => notes[engine]).join(" | ")} |`);
}
console.log(`\n${failed} failed`);
process.exit(failed ? 1 : 0); // which ends servers, machines and the display
