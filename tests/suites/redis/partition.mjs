// What partition.test.mjs runs inside a namespace: `node partition.mjs EDGE`, the other one's name.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";

import { Client, Node, Redis, equal, pass, present, told, until } from "./harness.mjs";

const [edge] = process.argv.slice(2);
const CUT_MS = 12_000; // longer than a node may be silent

const redis = await Redis.startAt("10.77.0.1", "--protected-mode", "no");
const near = await Node.start(redis, ["--hold-lost-ms", "15000"]);
const through = ["ip", "netns", "exec", edge];
const far = await Node.start(redis, ["--hold-lost-ms", "15000"], { through, host: "10.77.1.2" });
const nodes = [near, far];
const people = [await Client.login(near, "Near"), await Client.login(far, "Far")];
await present(nodes, ["Far", "Near"]);
const { digest } = await equal(nodes);
for (const client of people) {
  await told(client, digest);
  client.news();
}

const cut = (state) => execFileSync("ip", ["link", "set", "redis", state]);
cut("down");
const over = pass(CUT_MS);
await until("it is noticed", async () => (await far.health())[0] === 503, 10_000);
await people[0].set({ data: { while: "cut" } });
await people[1].set({ status: "idle" });
await over;
assert.equal((await near.health())[0], 200);
cut("up");

const start = performance.now();
await until("all is told", async () => {
  const { data, status } = await equal(nodes);
  return data?.Near && status?.Far;
});
await present(nodes, ["Far", "Near"]);
const roster = await equal(nodes);
for (const client of people) {
  await told(client, roster.digest);
  assert.deepEqual(client.left(), []);
}
console.log(`equal after ${Math.round(performance.now() - start)} ms`);
process.exit();
