// All tests of rooms that several processes share by way of Redis. Each test starts its own server
// of Redis and its own processes of headcount, on free ports of this machine.
//
//     npm ci && node run.mjs [PATTERN]
//
// PATTERN       a regular expression: only tests whose names it matches
// HEADCOUNT     the server's binary; otherwise ../../../target/release/headcount
// REDIS_SERVER  that of Redis 7 or Valkey; otherwise redis-server. REDIS_CLI goes with it
//
// The tests with network namespaces need root, and say so when they are skipped.

import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";

import { HEADCOUNT, REDIS_CLI, REDIS_SERVER, here } from "./harness.mjs";

for (const [variable, binary] of Object.entries({ REDIS_SERVER, REDIS_CLI, HEADCOUNT })) {
  const { error, status, stdout } = spawnSync(binary, ["--version"], { encoding: "utf8" });
  if (error || status !== 0) {
    console.error(`${binary} can't be run: install it, or name it in ${variable}`);
    process.exit(1);
  }
  console.log(stdout.trim());
}

const [pattern] = process.argv.slice(2);
const files = readdirSync(here(".")).filter((name) => name.endsWith(".test.mjs"));
const only = pattern === undefined ? [] : ["--test-name-pattern", pattern];
// Most of the time a test waits until a node is silent for long enough.
const flags = ["--test", "--test-force-exit", "--test-concurrency=4", "--test-reporter=spec"];
const { status } = spawnSync(process.execPath, [...flags, ...only, ...files.map(here)], {
  stdio: "inherit",
});
process.exitCode = status ?? 1;
