// www/headcount.js with several rooms, views, data and statuses, by itself.

import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";

import { connect } from "../../../www/headcount.js";
import { FakePage, FakeSocket } from "./fakes.mjs";

const ADDRESS = "ws://test/ws";
const HOUR = 3_600_000;
const tick = (ms) => mock.timers.tick(ms);
const unhandled = [];
process.on("unhandledRejection", (error) => unhandled.push(error));

let room;
let page;

function start(options, roster = { seq: 1, names: ["Ada"] }) {
  room = connect(ADDRESS, { WebSocket: FakeSocket, ...options });
  return opened(roster);
}

// Lets the last attempt succeed.
function opened(roster = { seq: 1, names: ["Ada"] }) {
  const socket = FakeSocket.last;
  socket.open();
  socket.receive("roster", roster);
  return socket;
}

function again(roster) {
  room.reconnect();
  return opened(roster);
}

// What `room` tells from here on.
function heard(of, ...events) {
  const list = [];
  for (const event of events) of.on(event, (detail) => list.push([event, detail]));
  return list;
}

// How a promise has ended until now.
async function end(promise) {
  return Promise.race([
    promise.then(
      () => "done",
      ({ code }) => code,
    ),
    new Promise((resolve) => setImmediate(resolve, "open")),
  ]);
}

beforeEach(() => {
  FakeSocket.reset();
  mock.timers.enable({ apis: ["setTimeout", "Date"] });
  mock.method(Math, "random", () => 1);
});

afterEach(async () => {
  room?.close();
  FakePage.remove();
  mock.timers.reset();
  mock.restoreAll();
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(unhandled, []);
});

// ---- Addresses ---------------------------------------------------------------------------------

for (const [name, path] of [
  ["doc-1", "/ws/doc-1"],
  ["李", "/ws/%E6%9D%8E"],
  ["a/b", "/ws/a/b"],
  [" a  b?#%2F&:", "/ws/a%20b%3F%23%252F%26%3A"],
  ["", "/ws"],
]) {
  test(`the room "${name}" has the address ${path}, and is known by it`, () => {
    room = connect(`${ADDRESS}?of=test`, { WebSocket: FakeSocket, room: name });
    assert.equal(FakeSocket.last.url, `ws://test${path}?of=test`);
    const canonical = name.trim().replace("  ", " ");
    assert.equal(room.room, canonical);
    room.close();
    room = connect(`ws://test${path}`, { WebSocket: FakeSocket });
    assert.equal(room.room, canonical);
  });
}

test("a room below a path of a proxy", () => {
  room = connect("ws://test/live/ws/", { WebSocket: FakeSocket, room: "a" });
  assert.equal(FakeSocket.last.url, "ws://test/live/ws/a");
  assert.equal(room.room, "a");
});

for (const name of [".", "..", "a/../b"]) {
  test(`"${name}", which would be another address, is refused`, () => {
    assert.throws(() => connect(ADDRESS, { WebSocket: FakeSocket, room: name }), TypeError);
    assert.equal(FakeSocket.all.length, 0);
  });
}

test("the server knows best what the room of the address is called", () => {
  room = connect("ws://test/ws/%", { WebSocket: FakeSocket });
  assert.equal(room.room, "");
  const socket = opened({ room: "Ⅷ", seq: 1, names: ["Ada"] });
  assert.equal(room.room, "Ⅷ");
  socket.receive("change", { room: "Ⅷ", seq: 2, joined: ["Bob"], left: [] });
  assert.deepEqual(room.names, ["Ada", "Bob"]);
  assert.equal(room.enter("Ⅷ"), room);
});

// ---- Several rooms -----------------------------------------------------------------------------

test("a room that is entered has a roster and a login of its own", () => {
  const socket = start();
  const other = room.enter(" doc\u30001 ");
  assert.notEqual(other, room);
  assert.equal(other.room, "doc 1");
  assert.equal(other.state, "connecting");
  assert.equal(room.enter("doc 1"), other, "the same again");
  assert.deepEqual(socket.sent, [["enter", { view: "changes", room: "doc 1" }]]);

  other.login("Eve");
  room.login("Ada");
  assert.deepEqual(socket.sent.slice(1), [["login", "Ada"]], "what is not entered has no login");
  socket.ok();
  assert.deepEqual(socket.sent.slice(2), [["login", "Eve", { room: "doc 1" }]]);
  socket.receive("roster", { room: "doc 1", seq: 40, names: ["Bob"] });
  assert.equal(other.state, "open");
  socket.receive("change", { room: "doc 1", seq: 41, joined: ["Eve"], left: [] });
  socket.receive("change", { seq: 2, joined: ["Zoe"], left: [] });
  assert.deepEqual(other.names, ["Bob", "Eve"]);
  assert.deepEqual(room.names, ["Ada", "Zoe"]);
  assert.deepEqual([room.seq, other.seq], [2, 41]);

  socket.ok({ name: "Ada (1)" });
  socket.ok({ name: "Eve (1)" });
  assert.deepEqual([room.name, other.name], ["Ada (1)", "Eve (1)"]);
});

test("the answer to one room does not keep a link alive that owes one to another", () => {
  const socket = start();
  room.enter("a");
  tick(6_000);
  room.login("Ada");
  tick(3_999);
  assert.equal(room.state, "open");
  tick(1);
  assert.equal(room.state, "waiting");
  assert.equal(socket.sent.length, 2);
});

test("each answer gives the next one time", () => {
  const socket = start();
  room.enter("a");
  room.login("Ada");
  tick(9_000);
  socket.ok();
  tick(9_999);
  assert.equal(room.state, "open");
  tick(1);
  assert.equal(room.state, "waiting");
});

test("out of a room: nothing of it is heard, and it can be entered anew", async () => {
  const socket = start();
  const first = room.enter("a");
  const list = heard(first, "state", "roster", "change", "error");
  const login = first.login("Eve");
  first.exit();
  assert.equal(first.state, "closed");
  assert.equal(await end(login), "closed");
  assert.deepEqual(socket.sent.at(-1), ["exit", { room: "a" }]);
  first.exit();
  first.login("Eve");
  assert.equal(first.name, null);
  assert.equal(socket.sent.length, 2);

  const second = room.enter("a");
  assert.notEqual(second, first);
  // The server has not read the exit yet when it says this …
  socket.ok();
  socket.receive("roster", { room: "a", seq: 5, names: ["Bob"] });
  assert.deepEqual(second.names, []);
  // … and has by then.
  socket.ok();
  socket.receive("roster", { room: "a", seq: 7, names: ["Zoe"] });
  socket.receive("change", { room: "a", seq: 8, joined: ["Eve"], left: [] });
  assert.deepEqual(second.names, ["Eve", "Zoe"]);
  assert.deepEqual(first.names, []);
  assert.deepEqual(list, [["state", "closed"]]);
  assert.equal(room.state, "open");
});

test("a change of before an exit does not spoil the room that is entered again", () => {
  const socket = start();
  room.enter("a");
  socket.ok();
  socket.receive("roster", { room: "a", seq: 5, names: ["Bob"] });
  room.enter("a").exit();
  const second = room.enter("a");
  socket.receive("change", { room: "a", seq: 6, joined: ["Zoe"], left: [] });
  assert.equal(second.state, "connecting");
  socket.ok();
  socket.receive("roster", { room: "a", seq: 9, names: ["Bob"] });
  assert.deepEqual(second.names, ["Bob"]);
  assert.equal(FakeSocket.all.length, 1);
});

test("out of the room of the address: not there, unseen, and entered again by its name", () => {
  const socket = start();
  room.login("Ada");
  socket.ok();
  room.exit();
  while (socket.asked.length > 0) socket.ok();
  assert.deepEqual(socket.sent.slice(1), [["logout"], ["view", { view: "none" }]]);
  assert.deepEqual(room.names, []);
  assert.equal(room.enter(""), room);
  assert.deepEqual(socket.sent.at(-1), ["view", { view: "changes" }]);
  socket.ok();
  socket.receive("roster", { seq: 9, names: ["Bob"] });
  assert.deepEqual(room.names, ["Bob"]);
});

test("a room that can't be entered says so, is closed, and is not asked for again", async () => {
  const socket = start();
  const other = room.enter("secret");
  const list = heard(other, "state", "error");
  const login = other.login("Eve");
  socket.refuse("room_forbidden", "No.");
  assert.equal(other.state, "closed");
  assert.deepEqual(list.map(([event, detail]) => detail.code ?? detail), ["closed", "room_forbidden"]);
  assert.equal(await end(login), "closed");
  assert.equal(room.state, "open");
  assert.deepEqual(socket.sent.length, 1, "nor left");
  assert.deepEqual(again().sent, []);
  assert.notEqual(room.enter("secret"), other);
});

test("all that was asked for is asked for again after a reconnect", () => {
  const socket = start({ view: "count" });
  const other = room.enter("a");
  const third = room.enter("b", { view: "count" });
  room.login("Ada", { data: { color: "teal" } });
  other.login("Eve", { status: "idle" });
  while (socket.asked.length > 0) socket.ok();
  room.set({ data: { page: 3 } });
  other.set({ data: { x: 1 } }); // is on its way when the link dies
  third.login("Zoe"); // so is this
  other.set({ data: { x: null, y: 2 } }); // and this waits for the one before
  socket.fail();
  third.login("Zoë");
  tick(5_000);

  const next = FakeSocket.last;
  next.open();
  while (next.asked.length > 0) next.ok();
  const { rooms, view } = next.hellos[0];
  assert.deepEqual([rooms, view], [{ b: null }, "count"], "with the view of the room of the address");
  assert.deepEqual(next.sent, [
    ["login", "Ada", { data: { color: "teal", page: 3 } }],
    ["enter", { view: "changes", room: "a" }],
    ["login", "Zoë", { room: "b" }],
    ["login", "Eve", { status: "idle", data: { y: 2 }, room: "a" }],
  ]);
  assert.equal(room.enter("a"), other);
});

test("a list of rooms keeps within what a server allows", () => {
  const socket = start();
  for (let i = 0; i < 50; i++) room.enter(`${i}`);
  assert.equal(socket.sent.length, 30);
  tick(250);
  assert.equal(socket.sent.length, 31);
  room.enter("49").exit();
  assert.equal(socket.sent.length, 31, "what was never entered need not be left");
  while (socket.asked.length > 0) socket.ok();
  for (let i = 0; i < 18; i++) tick(250);
  assert.equal(socket.sent.length, 49);
  assert.deepEqual(socket.sent.at(-1)[1].room, "48");
});

test("close() is the end of all rooms, even from inside an event", () => {
  start();
  const other = room.enter("a");
  const states = heard(other, "state");
  room.on("state", () => other.close());
  FakeSocket.last.fail();
  assert.equal(room.state, "closed");
  assert.deepEqual(states, [["state", "closed"]]);
  tick(HOUR);
  assert.equal(FakeSocket.all.length, 1);
  assert.equal(room.enter("b").state, "closed");
});

test("of what a listener brings about, all rooms have the same state", () => {
  start();
  const [other, third] = ["a", "b"].map((name) => room.enter(name));
  const off = room.on("state", () => third.exit());
  FakeSocket.last.fail();
  assert.deepEqual([room.state, other.state, third.state], ["waiting", "waiting", "closed"]);
  off();
  tick(5_000);
  room.on("state", (state) => state === "waiting" && room.reconnect());
  FakeSocket.last.fail();
  assert.deepEqual([room.state, other.state, third.state], ["connecting", "connecting", "closed"]);
});

test("a room that is entered while there is no link waits with the others", () => {
  start().fail();
  const other = room.enter("a");
  assert.equal(other.state, "waiting");
  tick(5_000);
  assert.equal(other.state, "connecting");
  FakeSocket.last.open();
  assert.equal(FakeSocket.last.hellos[0].rooms.a, null);
  assert.deepEqual(FakeSocket.last.sent, []);
});

test("a pong with another number of any room asks for its roster, one without does not", () => {
  const socket = start();
  const other = room.enter("a");
  socket.ok();
  socket.receive("pong", { room: "a", seq: 0 });
  socket.receive("roster", { room: "a", seq: 5, names: [] });
  socket.receive("pong", {});
  socket.receive("pong", { room: "a", seq: 5 });
  socket.receive("pong", { room: "b", seq: 9 });
  assert.equal(other.state, "open");
  socket.receive("pong", { room: "a", seq: 6 });
  assert.deepEqual(socket.sent.at(-1), ["enter", { view: "changes", room: "a", at: null }]);
});

test("another epoch is another count", () => {
  start({}, { epoch: "00000000000000aa", seq: 90, names: ["Ada"] });
  assert.equal(room.epoch, "00000000000000aa");
  const list = heard(room, "roster", "change");
  const socket = again({ epoch: "00000000000000bb", seq: 0, names: ["Ada"] });
  socket.receive("change", { seq: 1, joined: ["Bob"], left: [] });
  assert.equal(room.epoch, "00000000000000bb");
  assert.deepEqual(list, [
    ["roster", { epoch: "00000000000000bb", seq: 0, names: ["Ada"], joined: [], left: [] }],
    ["change", { seq: 1, joined: ["Bob"], left: [], updated: [] }],
  ]);
});

// ---- Data and statuses of others ---------------------------------------------------------------

test("data and statuses come with the roster, change, and go with their names", () => {
  const roster = {
    seq: 1,
    names: ["Ada", "Bob", "Eve"],
    status: { Bob: "idle" },
    data: { Ada: { color: "teal" }, Bob: { color: "red", page: 3 } },
  };
  const socket = start({}, roster);
  const changes = heard(room, "change");
  const before = room.names;
  assert.deepEqual(room.names.map((name) => room.statusOf(name)), ["active", "idle", "active"]);
  assert.deepEqual(room.dataOf("Bob"), { color: "red", page: 3 });
  assert.deepEqual(room.dataOf("Eve"), {});
  assert.ok(Object.isFrozen(room.dataOf("Bob")) && Object.isFrozen(room.dataOf("Eve")));
  assert.equal(room.statusOf("Zoe"), null);
  assert.deepEqual(room.dataOf("Zoe"), {});

  const status = { Ada: "hidden", Bob: "active", Zoe: "idle" };
  const data = { Ada: null, Bob: { page: 4 } };
  socket.receive("change", { seq: 2, joined: [], left: [], status: { Ada: "hidden" }, data });
  assert.equal(room.names, before, "the names are the same");
  socket.receive("change", { seq: 3, joined: ["Zoe"], left: [], status });
  assert.deepEqual(room.names.map((name) => room.statusOf(name)), [
    "hidden",
    "active",
    "active",
    "idle",
  ]);
  assert.deepEqual(room.dataOf("Ada"), {});
  assert.deepEqual(room.dataOf("Bob"), { page: 4 });
  assert.ok(Object.isFrozen(room.dataOf("Bob")));
  assert.deepEqual(changes.map(([, { updated }]) => updated), [["Ada", "Bob"], ["Ada", "Bob"]]);

  socket.receive("change", { seq: 4, joined: [], left: ["Bob", "Zoe"] });
  assert.equal(room.statusOf("Zoe"), null);
  assert.deepEqual(room.dataOf("Bob"), {});
  socket.receive("change", { seq: 5, joined: ["Bob", "Zoe"], left: [] });
  assert.equal(room.statusOf("Zoe"), "active", "who comes back starts anew");
  assert.deepEqual(room.dataOf("Bob"), {});

  again({ seq: 1, names: ["Ada", "Bob"] });
  assert.equal(room.statusOf("Ada"), "active");
});

test("names that mean something to objects are names like others", () => {
  const names = ["__proto__", "constructor", "toString"];
  const own = (value) => JSON.parse(`{ "__proto__": ${value}, "constructor": ${value} }`);
  const roster = { seq: 1, names, status: own('"idle"'), data: own('{ "a": 1 }') };
  const socket = start({}, roster);
  for (const name of ["__proto__", "constructor"]) {
    assert.equal(room.statusOf(name), "idle");
    assert.deepEqual(room.dataOf(name), { a: 1 });
  }
  assert.equal(room.statusOf("toString"), "active");
  assert.deepEqual(room.dataOf("toString"), {});
  assert.equal(room.statusOf("valueOf"), null);
  const changes = heard(room, "change");
  socket.receive("change", { seq: 2, joined: [], left: [], data: own("null") });
  assert.deepEqual(room.dataOf("__proto__"), {});
  assert.deepEqual(changes[0][1].updated, ["__proto__", "constructor"]);
  const other = room.enter("__proto__");
  socket.ok();
  socket.receive("roster", { room: "__proto__", seq: 1, names });
  assert.deepEqual(other.names, names);
  room.login("__proto__", { data: own("1") });
  assert.equal(JSON.stringify(room.data), '{"__proto__":1,"constructor":1}');
  assert.equal(
    JSON.stringify(socket.sent.at(-1)),
    '["login","__proto__",{"data":{"__proto__":1,"constructor":1}}]',
  );
});

// ---- The own data and status -------------------------------------------------------------------

test("a login brings data and a status, and set() changes single keys", () => {
  const socket = start();
  assert.deepEqual([room.status, room.data], ["active", {}]);
  const data = { color: "teal", page: { at: 3 } };
  room.login("Ada", { data, status: "idle" });
  data.page.at = 4; // is the caller's own
  assert.deepEqual(socket.sent, [
    ["login", "Ada", { status: "idle", data: { color: "teal", page: { at: 3 } } }],
  ]);
  socket.ok();
  assert.deepEqual(room.data, { color: "teal", page: { at: 3 } });
  room.set({ data: { page: null, x: 1 } });
  assert.deepEqual(socket.sent.at(-1), ["set", { data: { page: null, x: 1 } }]);
  assert.deepEqual(room.data, { color: "teal", x: 1 });
  socket.ok();
  room.set({ status: "active", data: null });
  assert.deepEqual(socket.sent.at(-1), ["set", { status: "active" }]);
  socket.ok();
  room.login("Eve");
  assert.deepEqual(socket.sent.at(-1), ["login", "Eve"]);
  assert.deepEqual([room.name, room.status, room.data], ["Eve", "active", { color: "teal", x: 1 }]);
});

test("of what is set quickly the last values are sent, together", () => {
  const socket = start();
  room.login("Ada");
  socket.ok();
  for (let x = 0; x < 100; x++) room.set({ data: { x, [`y${x % 2}`]: x } });
  assert.deepEqual(socket.sent.at(-1), ["set", { data: { x: 0, y0: 0 } }]);
  socket.ok();
  assert.deepEqual(socket.sent.at(-1), ["set", { data: { x: 99, y0: 98, y1: 99 } }]);
  socket.ok();
  assert.equal(socket.sent.length, 3);
  assert.deepEqual(room.data, { x: 99, y0: 98, y1: 99 });
});

test("what is refused is undone, and what was set since is not", () => {
  const socket = start();
  room.login("Ada", { data: { a: 1, b: 1 } });
  socket.ok();
  room.set({ data: { a: "much too large", c: 1 }, status: "idle" });
  room.set({ data: { b: 2 } });
  socket.refuse("data_too_large");
  assert.deepEqual([room.status, room.data], ["active", { a: 1, b: 2 }]);
  assert.deepEqual(socket.sent.at(-1), ["set", { data: { b: 2 } }]);
});

test("a logout ends data and status, also for the next name", () => {
  const socket = start();
  room.login("Ada", { data: { a: 1 }, status: "idle" });
  socket.ok();
  room.logout();
  assert.deepEqual([room.name, room.status, room.data], [null, "active", {}]);
  assert.deepEqual(socket.sent.at(-1), ["logout"]);
  room.login("Eve", { data: { b: 1 } });
  room.logout(); // both are one, and leave nothing to be done but this
  room.login("Zoe", { data: { c: 1 } });
  socket.ok();
  assert.deepEqual(room.data, { c: 1 });
  socket.ok();
  assert.deepEqual(room.data, { c: 1 });
  const [login] = again().sent;
  assert.deepEqual([login[1], login[2].data], ["Zoe", { c: 1 }]);
});

test("without a name nothing can be set", async () => {
  const socket = start();
  const errors = heard(room, "error");
  assert.equal(await end(room.set({ data: { a: 1 } })), "name_missing");
  assert.equal(errors[0][1].code, "name_missing");
  assert.deepEqual(socket.sent, []);
  const login = room.login("\u202E");
  const set = room.set({ data: { a: 1 } });
  socket.refuse("name_invalid");
  assert.deepEqual([await end(login), await end(set)], ["name_invalid", "name_invalid"]);
  assert.deepEqual(room.data, {});
  assert.equal(socket.sent.length, 1);
});

// ---- Answers -----------------------------------------------------------------------------------

test("a promise is kept when the server says so", async () => {
  const socket = start();
  const login = room.login("Ada");
  assert.equal(await end(login), "open");
  socket.receive("change", { seq: 2, joined: ["Bob"], left: [] });
  assert.equal(await end(login), "open");
  socket.ok();
  assert.equal(await end(login), "done");
  const set = room.set({ status: "idle" });
  socket.refuse("rate_limited", "Too quick.");
  await assert.rejects(set, { name: "Error", code: "rate_limited", message: "Too quick." });
});

test("promises of wishes that were overtaken end with the newer one", async () => {
  const socket = start();
  const [first, second, third] = ["A", "B", "C"].map((name) => room.login(name));
  socket.refuse("name_invalid");
  assert.deepEqual([await end(first), await end(second)], ["name_invalid", "open"]);
  socket.ok();
  assert.deepEqual([await end(second), await end(third)], ["done", "done"]);
});

test("an answer that is late is one, and what was asked for is still asked for", async () => {
  start().fail();
  const login = room.login("Ada");
  tick(9_999);
  assert.equal(await end(login), "open");
  tick(1);
  assert.equal(await end(login), "late");
  assert.equal(room.name, "Ada");
  const next = room.login("Eve");
  const socket = again();
  assert.deepEqual(socket.sent, [["login", "Eve"]]);
  socket.ok();
  assert.equal(await end(next), "done");
});

test("a promise outlives the connection that it was made on", async () => {
  start();
  const login = room.login("Ada");
  const logout = room.enter("a").logout();
  const socket = again();
  assert.equal(await end(logout), "done", "on the new one there is nothing to end");
  assert.equal(await end(login), "open");
  socket.ok();
  assert.equal(await end(login), "done");
});

test("close() ends all promises", async () => {
  const socket = start();
  room.login("Zoe");
  socket.ok();
  const promises = [room.login("Ada"), room.view("none"), room.enter("a").login("Eve")];
  room.close();
  promises.push(room.login("Ada"));
  for (const promise of promises) assert.equal(await end(promise), "closed");
  assert.equal(room.name, null);
});

// ---- Views -------------------------------------------------------------------------------------

test("the view of numbers", () => {
  room = connect(ADDRESS, { WebSocket: FakeSocket, view: "count" });
  const list = heard(room, "state", "roster", "change", "count");
  const socket = FakeSocket.last;
  socket.open();
  assert.equal(socket.hellos[0].view, "count");
  assert.deepEqual([room.state, room.count], ["connecting", null]);
  socket.receive("count", { seq: 5, count: 2 });
  assert.deepEqual([room.state, room.count, room.size, room.names], ["open", 2, 0, []]);
  socket.receive("count", { seq: 6, count: 3 });
  assert.deepEqual([room.seq, room.count], [6, 3]);
  socket.pong(0);
  assert.deepEqual(list, [
    ["state", "open"],
    ["count", { seq: 5, count: 2 }],
    ["count", { seq: 6, count: 3 }],
  ]);
});

test("from view to view", () => {
  const socket = start();
  const states = heard(room, "state");
  room.view("count");
  socket.ok();
  socket.receive("count", { seq: 2, count: 5 });
  assert.deepEqual([room.seq, room.count], [2, 5]);
  assert.deepEqual([room.names, room.has("Ada")], [[], false]);
  room.view("none");
  socket.ok();
  assert.deepEqual([room.state, room.count], ["open", null]);
  room.view("count");
  socket.ok();
  room.view("changes");
  socket.ok();
  socket.receive("count", { seq: 3, count: 2 });
  assert.equal(room.state, "connecting", "this is of before");
  socket.receive("roster", { seq: 4, names: ["Eve"] });
  socket.receive("change", { seq: 5, joined: ["Bob"], left: [] });
  assert.deepEqual([room.state, room.count, room.names], ["open", 2, ["Bob", "Eve"]]);
  assert.deepEqual(states.map(([, state]) => state), ["connecting", "open"]);
  assert.equal(FakeSocket.all.length, 1);
});

test("changes of before a view, while it is asked for, are still applied", () => {
  const socket = start();
  room.view("count");
  socket.receive("change", { seq: 2, joined: ["Bob"], left: [] });
  assert.deepEqual(room.names, ["Ada", "Bob"]);
  socket.refuse("rate_limited");
  socket.receive("change", { seq: 3, joined: ["Eve"], left: [] });
  assert.deepEqual(room.names, ["Ada", "Bob", "Eve"]);
  assert.equal(room.state, "open");
});

test("of a room that nothing is to be told of, nothing is waited for", () => {
  room = connect(ADDRESS, { WebSocket: FakeSocket, view: "none" });
  FakeSocket.last.open();
  assert.equal(FakeSocket.last.hellos[0].view, "none");
  assert.deepEqual([room.state, room.count], ["open", null]);
  tick(29_999);
  assert.equal(FakeSocket.last.pings, 0);
  tick(1);
  assert.equal(FakeSocket.last.pings, 1);
});

test("a room that is entered for its number alone is open with that", () => {
  const socket = start();
  const other = room.enter("a", { view: "count" });
  assert.deepEqual(socket.sent, [["enter", { view: "count", room: "a" }]]);
  socket.ok();
  assert.deepEqual([other.state, other.count], ["connecting", null]);
  socket.receive("count", { room: "a", seq: 7, count: 12 });
  assert.deepEqual([other.state, other.count], ["open", 12]);
  const third = room.enter("b", { view: "none" });
  socket.ok();
  assert.deepEqual([third.state, third.count], ["open", null]);
  room.enter("b", { view: "none" });
  assert.equal(socket.sent.length, 2, "that is its view already");
});

// ---- Who looks ---------------------------------------------------------------------------------

function startPage(options) {
  page = new FakePage().install();
  return start(options);
}

test("unless it is wanted nothing is told of who looks", () => {
  const socket = startPage();
  room.login("Ada");
  socket.ok();
  page.hide();
  page.show();
  tick(20_000);
  assert.equal(socket.sent.length, 1);
});

test("a hidden page says so, in each room where it has a name, and when it is seen again", () => {
  const socket = startPage({ autoStatus: true });
  const errors = heard(room, "error");
  const other = room.enter("a");
  room.enter("b");
  other.login("Eve");
  socket.ok();
  socket.ok();
  while (socket.asked.length > 0) socket.ok();
  const before = socket.sent.length;
  page.hide();
  assert.deepEqual(socket.sent.slice(before), [["set", { status: "hidden", room: "a" }]]);
  assert.equal(other.status, "hidden");
  socket.ok();
  room.login("Ada"); // by a program, while nobody looks
  assert.deepEqual(socket.sent.at(-1), ["login", "Ada", { status: "hidden" }]);
  socket.ok();
  page.show();
  const told = socket.sent.slice(before + 2);
  assert.deepEqual(told, [["set", { status: "active" }], ["set", { status: "active", room: "a" }]]);
  assert.deepEqual(errors, []);
});

test("a page that nobody touches is idle after a while, and active at once after that", () => {
  const socket = startPage({ autoStatus: true, idleAfter: 60_000 });
  room.login("Ada", { status: "active" });
  socket.ok();
  const statuses = () =>
    socket.sent.splice(0).map(([event, options]) => event === "set" && options.status);
  const wait = (ms) => {
    for (let passed = 0; passed < ms; passed += 1_000) {
      tick(1_000);
      socket.pong();
      if (socket.asked.length > 0) socket.ok();
    }
  };
  socket.sent.length = 0;
  wait(59_000);
  page.tell("keydown");
  wait(59_000);
  assert.deepEqual(statuses(), []);
  wait(1_000);
  assert.deepEqual(statuses(), ["idle"]);
  page.tell("pointermove");
  page.tell("wheel");
  wait(1_000);
  assert.deepEqual(statuses(), ["active"]);
  page.hide();
  wait(120_000);
  assert.deepEqual(statuses(), ["hidden"], "which is more than idle");
  page.show();
  wait(60_000);
  assert.deepEqual(statuses(), ["active", "idle"]);
  room.close();
  page.tell("keydown");
  page.hide();
  assert.deepEqual(statuses(), []);
});

test("a page that comes back from the cache is active in the login already", () => {
  const socket = startPage({ autoStatus: true });
  room.login("Ada");
  socket.ok();
  page.leave();
  page.comeBack();
  const next = opened();
  assert.equal(next.sent[0][1], "Ada");
  assert.notEqual(next.sent[0][2]?.status, "hidden");
  assert.equal(next.sent.length, 1);
});
