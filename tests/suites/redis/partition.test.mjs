// A node that is cut off from Redis by the network, which is one of its own: two namespaces of Linux
// with two links between them, one to Redis and one for clients.

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";

import { here, test } from "./harness.mjs";

const [hub, edge] = ["hub", "edge"].map((name) => `headcount-${process.pid}-${name}`);
const ip = (...args) => execFileSync("ip", args, { stdio: ["ignore", "pipe", "pipe"] });
const inside = (namespace, ...args) => ip("netns", "exec", namespace, "ip", ...args);

function build() {
  for (const namespace of [hub, edge]) {
    ip("netns", "add", namespace);
    inside(namespace, "link", "set", "lo", "up");
  }
  for (const [i, link] of ["redis", "clients"].entries()) {
    inside(hub, "link", "add", link, "type", "veth", "peer", "name", link, "netns", edge);
    for (const [end, namespace] of [hub, edge].entries()) {
      inside(namespace, "addr", "add", `10.77.${i}.${end + 1}/24`, "dev", link);
      inside(namespace, "link", "set", link, "up");
    }
  }
}

function clear() {
  for (const namespace of [hub, edge]) spawnSync("ip", ["netns", "del", namespace]);
}

test("a node that is cut off for 12 s is back, and nobody leaves", (t) => {
  try {
    build();
  } catch (error) {
    clear();
    return t.skip(`NO NETWORK NAMESPACES HERE: ${error.message.split("\n")[0]}`);
  }
  try {
    const script = [process.execPath, here("partition.mjs"), edge];
    const { status, stdout, stderr } = spawnSync("ip", ["netns", "exec", hub, ...script], {
      encoding: "utf8",
      timeout: 80_000,
    });
    assert.equal(status, 0, stdout + stderr);
  } finally {
    clear();
  }
});
