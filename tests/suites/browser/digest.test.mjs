// The digest of www/headcount.js: against an independent reference and its vectors, and what the
// module does where its copy of a room is not what the digest says.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { afterEach, beforeEach, mock, test } from "node:test";

import { connect } from "../../../www/headcount.js";
import { digest } from "./digest.mjs";
import { EPOCH, FakeSocket } from "./fakes.mjs";

const VECTORS = JSON.parse(readFileSync(new URL("digest-vectors.json", import.meta.url), "utf8"));
const WRONG = "00000000000000aa";
const ASKED = ["enter", { view: "changes", room: "", at: null }];

let room;

function start(roster = { seq: 1, names: ["Ada"] }) {
  room = connect("ws://test/ws", { WebSocket: FakeSocket });
  FakeSocket.last.open();
  FakeSocket.last.receive("roster", roster);
  return FakeSocket.last;
}

// Entries as a message has them.
function roster(entries) {
  const pairs = (at) =>
    entries.filter((entry) => entry[at] !== undefined).map((entry) => [entry[0], entry[at]]);
  const [status, data] = [1, 2].map((at) => Object.fromEntries(pairs(at)));
  for (const name of Object.keys(status)) if (status[name] === "active") delete status[name];
  return { names: entries.map(([name]) => name), status, data };
}

// What the module says that it has.
function said() {
  room.reconnect();
  FakeSocket.last.openSilently();
  const at = FakeSocket.last.hellos[0].rooms[""];
  FakeSocket.last.open();
  return at[2];
}

beforeEach(() => {
  FakeSocket.reset();
  mock.timers.enable({ apis: ["setTimeout", "Date"] });
});

afterEach(() => {
  room.close();
  mock.timers.reset();
  mock.restoreAll();
});

for (const { entries, digest: expected } of VECTORS) {
  const all = Array.isArray(entries) ? entries : Array.from({ length: 1000 }, (_, i) => [`n${i}`]);
  test(`${expected} is the digest of ${JSON.stringify(entries).slice(0, 60)}`, () => {
    assert.equal(digest(all), expected, "by the reference");
    const socket = start({ seq: 1, ...roster(all), digest: expected });
    assert.deepEqual(socket.sent, []);
    assert.equal(said(), expected, "by the module");
  });
  test(`${expected} is the same by changes, and nobody is 0 again`, () => {
    const socket = start({ seq: 1, names: [] });
    const { names, ...others } = roster(all);
    socket.receive("change", { seq: 2, joined: names, left: [], ...others, digest: expected });
    socket.receive("change", { seq: 3, joined: [], left: names, digest: "0".repeat(16) });
    assert.deepEqual(socket.sent, []);
  });
}

test("each change leaves the digest of what it makes: 2,000 of them, of all kinds", () => {
  const socket = start({ seq: 1, names: [] });
  let state = 1;
  const random = (most) => (state = (Math.imul(state, 48_271) >>> 0) % 0x7fffffff) % most;
  const people = Array.from({ length: 20 }, (_, i) => `${["Ada", "李", "👩‍💻", "é"][i % 4]}${i}`);
  for (let seq = 2; seq < 2_000; seq++) {
    const joined = [];
    const left = [];
    for (const name of people.filter(() => random(5) === 0)) {
      if (room.has(name)) left.push(name);
      if (!room.has(name) || random(4) === 0) joined.push(name);
    }
    const [status, data] = [{}, {}];
    for (const name of people) {
      if (!joined.includes(name) && (left.includes(name) || !room.has(name))) continue;
      if (random(3) === 0) status[name] = ["active", "idle", "hidden"][random(3)];
      if (random(3) === 0) data[name] = [null, {}, { b: [1.5, { c: "é" }], a: 1e21 }][random(3)];
    }
    socket.receive("change", { seq, joined, left, status, data });
  }
  assert.deepEqual(socket.sent, []);
  assert.equal(room.seq, 1_999);
  const copy = socket.copies.rooms.get("").entries;
  const entries = [...copy].map(([name, [status, data]]) => [name, status, data]);
  assert.deepEqual(room.names, entries.map(([name]) => name).sort());
  for (const [name, status = "active", data = {}] of entries) {
    assert.deepEqual([room.statusOf(name), room.dataOf(name)], [status, data]);
  }
  assert.equal(said(), digest(entries));
});

test("a copy that is wrong is found with the next change, and replaced", () => {
  const socket = start({ seq: 1, names: ["Ada", "Bob"] });
  const rosters = [];
  room.on("roster", ({ joined, left }) => rosters.push([joined, left]));
  // As if the client had missed that Bob left.
  socket.copies.take("change", { joined: [], left: ["Bob"] });
  socket.receive("change", { seq: 2, joined: ["Eve"], left: [] });
  assert.deepEqual(socket.sent, [ASKED]);
  // Once, whatever comes until the roster does; and of that nothing is made.
  socket.receive("change", { seq: 3, joined: ["Zoe"], left: [] });
  socket.receive("pong", { seq: 9 });
  socket.ok();
  assert.equal(room.state, "connecting");
  assert.deepEqual(room.names, ["Ada", "Bob", "Eve"], "the copy stays until there is a better one");
  socket.receive("roster", { seq: 3, names: ["Ada", "Eve", "Zoe"] });
  assert.equal(room.state, "open");
  assert.deepEqual(rosters, [[["Zoe"], ["Bob"]]]);
  socket.receive("change", { seq: 4, joined: [], left: ["Zoe"] });
  assert.deepEqual(room.names, ["Ada", "Eve"]);
  assert.deepEqual(socket.sent, [ASKED]);
  assert.equal(FakeSocket.all.length, 1);
});

test("in a room that was entered as well, by its name", () => {
  const socket = start();
  const other = room.enter("a");
  socket.ok();
  socket.receive("roster", { room: "a", seq: 5, names: ["Bob"] });
  socket.receive("change", { room: "a", seq: 6, joined: ["Eve"], left: [], digest: WRONG });
  assert.deepEqual(socket.sent.slice(1), [["enter", { view: "changes", room: "a", at: null }]]);
  assert.equal(room.state, "open", "and in no other");
  socket.ok();
  socket.receive("roster", { room: "a", seq: 6, names: ["Eve"] });
  assert.deepEqual(other.names, ["Eve"]);
});

test("a room may be left before its roster could be asked for", () => {
  const socket = start();
  const other = room.enter("a");
  socket.ok();
  socket.receive("roster", { room: "a", seq: 5, names: ["Bob"] });
  other.login("Eve");
  socket.receive("change", { room: "a", seq: 6, joined: [], left: [], digest: WRONG });
  other.exit();
  assert.deepEqual(socket.sent.at(-1), ["exit", { room: "a" }]);
});

test("a server that adds up otherwise is asked again once, and not with each change", () => {
  const socket = start({ seq: 1, names: ["Ada"], digest: WRONG });
  assert.deepEqual(socket.sent, [ASKED]);
  socket.ok();
  const others = [["Ada"], ["Ghost"]];
  socket.receive("roster", { seq: 1, names: ["Ada"], digest: digest(others) });
  const next = digest([...others, ["Bob"]]);
  socket.receive("change", { seq: 2, joined: ["Bob"], left: [], digest: next });
  assert.deepEqual(socket.sent, [ASKED]);
  assert.deepEqual(room.names, ["Ada", "Bob"]);
  socket.receive("change", { seq: 3, joined: ["Eve"], left: [], digest: WRONG });
  assert.deepEqual(socket.sent, [ASKED, ASKED], "which does not end the checks");
});

test("a request for the roster that is refused, or not answered, is a new connection", () => {
  mock.method(Math, "random", () => 1);
  const socket = start();
  socket.receive("change", { seq: 2, joined: [], left: [], digest: WRONG });
  socket.refuse("rate_limited");
  assert.equal(room.state, "waiting");
  mock.timers.tick(5_000);
  FakeSocket.last.open();
  assert.deepEqual(FakeSocket.last.hellos[0].rooms[""], [EPOCH, 2, digest([["Ada"]])]);
  FakeSocket.last.receive("roster", { seq: 2, names: ["Ada"] });
  FakeSocket.last.receive("change", { seq: 3, joined: [], left: [], digest: WRONG });
  mock.timers.tick(9_999);
  assert.equal(room.state, "open");
  mock.timers.tick(1);
  assert.equal(room.state, "waiting");
});

test("while another view is asked for, a wrong copy is left to that", () => {
  const socket = start();
  room.view("count");
  socket.receive("change", { seq: 2, joined: ["Eve"], left: [], digest: WRONG });
  socket.receive("change", { seq: 3, joined: ["Zoe"], left: [] });
  assert.deepEqual(socket.sent, [["view", { view: "count" }]]);
  assert.deepEqual(room.names, ["Ada", "Eve"]);
  socket.ok();
  socket.receive("count", { seq: 3, count: 2 });
  assert.deepEqual([room.state, room.count, room.names], ["open", 2, []]);
});
