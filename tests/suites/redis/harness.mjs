// What the tests and the figures share: Redis, nodes, clients, and what all nodes are to have.

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";

import { byCodePoint } from "./client.mjs";
import { until } from "./time.mjs";

export { Client, told } from "./client.mjs";
export * from "./programs.mjs";
export * from "./time.mjs";

export const here = (path) => fileURLToPath(new URL(path, import.meta.url));

/** Waits until all nodes have the same in a room, and gives it. */
export const equal = (nodes, room = "", ms = 5_000) =>
  until(
    `all have the same in ${JSON.stringify(room)}`,
    async () => {
      const [first, ...others] = await Promise.all(nodes.map((node) => node.roster(room)));
      for (const other of others) assert.deepEqual(other, first);
      return first;
    },
    ms,
  );

/** Waits until these names are in a room, on all nodes. */
export const present = (nodes, names, room = "", ms = 5_000) =>
  until(
    `all have ${names.length} names in ${JSON.stringify(room)}`,
    async () => {
      for (const node of nodes) {
        const roster = await node.roster(room);
        assert.deepEqual(roster.names, [...names].sort(byCodePoint));
      }
      return true;
    },
    ms,
  );
