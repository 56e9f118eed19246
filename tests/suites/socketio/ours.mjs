// www/socket.io.js as a page loads it: a classic script, of which nothing but `io` is left.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { runInThisContext } from "node:vm";

import { WebSocket } from "ws";

const url = new URL("../../../www/socket.io.js", import.meta.url);
globalThis.WebSocket = WebSocket; // before version 22, node has none

const before = Object.getOwnPropertyNames(globalThis);
runInThisContext(readFileSync(url, "utf8"), { filename: url.pathname });
const after = Object.getOwnPropertyNames(globalThis);
assert.deepEqual(
  after.filter((name) => !before.includes(name)),
  ["io"],
);

export const ours = globalThis.io;
