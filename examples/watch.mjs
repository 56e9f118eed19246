// Watches a room, and prints who comes, who goes, and what is new about those who are there:
//
//     node watch.mjs ws://127.0.0.1:3000/ws doc-1
//     deno run --allow-net watch.mjs ws://127.0.0.1:3000/ws doc-1
//
// Node needs to be of version 22 or later. Without the name of a room it is that of the address.

import process from "node:process";

import { connect } from "../www/headcount.js";

const [url = "ws://127.0.0.1:3000/ws", name] = process.argv.slice(2);
const room = connect(url, { room: name });

function print(sign, name) {
  const status = room.statusOf(name) ?? "active"; // of who has left there is none
  const data = room.dataOf(name);
  const notes = [
    status === "active" ? "" : status,
    Object.keys(data).length > 0 ? JSON.stringify(data) : "",
  ];
  console.log([sign, name, ...notes].filter(Boolean).join(" "));
}

room.on("state", (state) => console.log(`(${state})`));
room.on("roster", ({ joined, left }) => {
  for (const name of left) print("-", name);
  for (const name of joined) print("+", name);
  console.log(`= ${room.count} here`);
});
room.on("change", ({ joined, left, updated }) => {
  for (const name of left) print("-", name);
  for (const name of joined) print("+", name);
  for (const name of updated) print("~", name);
});

process.on("SIGINT", () => room.close()); // which leaves nothing to wait for
