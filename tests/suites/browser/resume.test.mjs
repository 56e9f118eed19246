// www/headcount.js after a reconnect and after a reload: the client that it was, from the copy that
// it has.

import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";

import { connect } from "../../../www/headcount.js";
import { digest } from "./digest.mjs";
import { EPOCH, FakePage, FakeSocket, FakeStorage } from "./fakes.mjs";

const ADDRESS = "ws://test/ws";
const OTHER_EPOCH = "00000000000000e1";
const KEY = "headcount.v2 ws://test/ws";
const ID = /^[0-9a-f]{32}$/;
const tick = (ms) => mock.timers.tick(ms);
const settled = () => new Promise((resolve) => setImmediate(resolve));

let storage;
let page;
let room;
let all; // rooms of all pages

// A page with a room; the socket is the last, and silent.
function load(options = {}) {
  page = new FakePage(options.storage ?? storage).install();
  room = connect(options.url ?? ADDRESS, { WebSocket: FakeSocket, ...options });
  all.push(room);
  return FakeSocket.last;
}

// The last attempt succeeds, with a roster.
function opened(roster = { seq: 1, names: ["Ada", "Bob"] }) {
  FakeSocket.last.open();
  FakeSocket.last.receive("roster", roster);
  return FakeSocket.last;
}

// Somebody is in the room.
function logIn(name = "Ada", profile = {}) {
  room.login(name, profile);
  FakeSocket.last.ok();
}

// The page is left, and another document takes its place. Of the old module nothing is heard again:
// its connections are those of a page that is gone.
async function reload(options) {
  page.leave();
  for (const old of all.splice(0)) forget(old);
  const socket = load(options);
  await settled();
  return socket;
}

// What a page that is unloaded leaves is its storage; in the test the same module goes on, and is
// to have no connection any more.
function forget(old) {
  const items = new Map(storage.items);
  FakePage.remove();
  old.close();
  storage.items = items;
}

const hello = () => FakeSocket.last.hellos.at(-1);
const kept = () => JSON.parse(storage.items.get(KEY));
const heard = (...events) => {
  const list = [];
  for (const event of events) room.on(event, (detail) => list.push([event, detail]));
  return list;
};

beforeEach(() => {
  FakeSocket.reset();
  storage = new FakeStorage();
  all = [];
  mock.timers.enable({ apis: ["setTimeout", "Date"] });
  mock.method(Math, "random", () => 1);
});

afterEach(() => {
  for (const one of all) one.close();
  FakePage.remove();
  mock.timers.reset();
  mock.restoreAll();
});

// ---- Hello -------------------------------------------------------------------------------------

test("a hello comes first, and nothing else before it is answered", () => {
  const socket = load();
  room.login("Ada");
  room.enter("a");
  socket.openSilently();
  const { client, ...more } = socket.hellos[0];
  assert.match(client, ID);
  assert.deepEqual(more, { rooms: { a: null }, view: "changes" });
  assert.deepEqual([socket.sent, socket.pings], [[], 0]);
  socket.receive("welcome", { resumed: [] });
  assert.deepEqual(socket.sent, [["login", "Ada"]]);
});

test("the id is another for each page, and stays for all connections of one", () => {
  load();
  opened();
  const { client } = hello();
  room.reconnect();
  opened();
  FakeSocket.last.fail();
  tick(5_000);
  opened();
  assert.equal(hello().client, client);
  load({ storage: new FakeStorage() });
  opened();
  assert.match(hello().client, ID);
  assert.notEqual(hello().client, client);
});

test("a room that is left before the welcome is left after it, and may be entered anew", () => {
  const socket = load();
  const first = room.enter("a");
  socket.openSilently();
  first.exit();
  room.enter("a");
  room.enter("b").exit();
  socket.receive("welcome", { resumed: [] });
  assert.deepEqual(socket.sent, [
    ["exit", { room: "a" }],
    ["enter", { view: "changes", room: "a" }],
  ]);
});

test("a room that is left before the hello is not in it", () => {
  load();
  opened();
  const other = room.enter("a");
  FakeSocket.last.ok();
  FakeSocket.last.receive("roster", { room: "a", seq: 5, names: [] });
  room.reconnect();
  other.exit();
  FakeSocket.last.open();
  assert.deepEqual([Object.keys(hello().rooms), FakeSocket.last.sent], [[""], []]);
});

test("what is asked for between the hello and the welcome comes after it", () => {
  const socket = load();
  socket.openSilently();
  room.login("Ada");
  room.enter("a");
  assert.deepEqual(socket.sent, []);
  socket.receive("welcome", { resumed: [] });
  assert.deepEqual(socket.sent, [
    ["login", "Ada"],
    ["enter", { view: "changes", room: "a" }],
  ]);
});

test("a room of the hello that is refused says so, and is closed", () => {
  const socket = load();
  const other = room.enter("secret");
  const errors = [];
  other.on("error", ({ code }) => errors.push(code));
  socket.open();
  socket.receive("error", { code: "room_forbidden", message: "No.", room: "secret" });
  assert.deepEqual([other.state, errors], ["closed", ["room_forbidden"]]);
  assert.deepEqual(socket.sent, []);
  socket.receive("roster", { seq: 1, names: [] });
  assert.equal(room.state, "open");
});

test("of more rooms than a hello may have, the others are entered after it", () => {
  load();
  for (let i = 0; i < 40; i++) room.enter(`${i}`);
  FakeSocket.last.open();
  assert.equal(Object.keys(hello().rooms).length, 31);
  assert.deepEqual(FakeSocket.last.sent[0], ["enter", { view: "changes", room: "31" }]);
  assert.equal(FakeSocket.last.sent.length, 9);
});

test("an id that is in use by another tab is changed, on the same connection", () => {
  const socket = load();
  room.login("Ada");
  socket.openSilently();
  socket.receive("error", { code: "client_in_use", message: "" });
  assert.equal(socket.hellos.length, 2);
  assert.notEqual(hello().client, socket.hellos[0].client);
  assert.match(hello().client, ID);
  assert.deepEqual(hello().rooms, socket.hellos[0].rooms);
  assert.deepEqual(socket.sent, []);
  socket.receive("welcome", { resumed: [] });
  socket.receive("roster", { seq: 1, names: [] });
  assert.deepEqual(socket.sent, [["login", "Ada"]]);
  assert.equal(room.state, "open");
});

test("it is changed as often as that happens on connections of their own", () => {
  load();
  for (let i = 0; i < 3; i++) {
    room.reconnect();
    FakeSocket.last.openSilently();
    FakeSocket.last.receive("error", { code: "client_in_use", message: "" });
    assert.equal(FakeSocket.last.hellos.length, 2);
    FakeSocket.last.receive("welcome", { resumed: [] });
  }
});

test("a server to which all ids are in use is not asked without end", () => {
  const socket = load();
  socket.openSilently();
  const inUse = '["error",{"code":"client_in_use","message":""}]';
  for (let i = 0; i < 5; i++) socket.onmessage({ data: inUse });
  assert.equal(socket.hellos.length, 2);
  assert.equal(room.state, "waiting");
});

test("a hello that is refused is a failure, and the next has nothing of it", () => {
  load();
  opened();
  const { client } = hello();
  room.enter("a");
  room.reconnect();
  const errors = heard("error");
  FakeSocket.last.openSilently();
  assert.ok(hello().rooms[""]);
  FakeSocket.last.receive("error", { code: "at_invalid", message: "" });
  assert.equal(room.state, "waiting");
  assert.deepEqual(errors.map(([, { code }]) => code), ["at_invalid"]);
  tick(5_000);
  FakeSocket.last.openSilently();
  assert.deepEqual(hello().rooms, {});
  assert.notEqual(hello().client, client);
  FakeSocket.last.receive("welcome", { resumed: [] });
  assert.deepEqual(FakeSocket.last.sent, [["enter", { view: "changes", room: "a" }]]);
});

test("a hello that is not answered is a failure", () => {
  load();
  FakeSocket.last.openSilently();
  tick(9_999);
  assert.equal(room.state, "connecting");
  tick(1);
  assert.equal(room.state, "waiting");
});

// ---- After a reconnect -------------------------------------------------------------------------

test("a change that has an epoch goes on from the copy, whatever numbers that had", () => {
  load();
  opened({ seq: 7, names: ["Ada", "Bob"], status: { Bob: "idle" } });
  const events = heard("state", "roster", "change");
  FakeSocket.last.fail();
  tick(5_000);
  assert.deepEqual(room.names, ["Ada", "Bob"], "the copy stays");
  FakeSocket.last.openSilently();
  const copy = digest([["Ada"], ["Bob", "idle"]]);
  assert.deepEqual(hello().rooms, { "": [EPOCH, 7, copy] });
  FakeSocket.last.receive("welcome", { resumed: [] });
  assert.deepEqual(room.names, ["Ada", "Bob"]);
  const change = { epoch: OTHER_EPOCH, seq: 3, joined: ["Eve"], left: ["Bob"] };
  FakeSocket.last.receive("change", change);
  assert.deepEqual([room.epoch, room.seq, room.names], [OTHER_EPOCH, 3, ["Ada", "Eve"]]);
  FakeSocket.last.receive("change", { seq: 4, joined: [], left: ["Eve"] });
  assert.deepEqual(room.names, ["Ada"]);
  assert.deepEqual(events, [
    ["state", "waiting"],
    ["state", "connecting"],
    ["state", "open"],
    ["change", { seq: 3, joined: ["Eve"], left: ["Bob"], updated: [] }],
    ["change", { seq: 4, joined: [], left: ["Eve"], updated: [] }],
  ]);
  assert.deepEqual(FakeSocket.last.sent, []);
});

test("an empty one says that the copy is right", () => {
  load();
  opened();
  room.reconnect();
  FakeSocket.last.open();
  FakeSocket.last.receive("change", { epoch: EPOCH, seq: 1, joined: [], left: [] });
  assert.deepEqual([room.state, room.seq, room.names], ["open", 1, ["Ada", "Bob"]]);
});

test("one that makes something else of the copy than the server has is found out", () => {
  load();
  opened();
  room.reconnect();
  FakeSocket.last.open();
  const change = { epoch: EPOCH, seq: 1, joined: [], left: [] };
  FakeSocket.last.receive("change", { ...change, digest: digest([["Ada"]]) });
  assert.deepEqual(FakeSocket.last.sent, [["enter", { view: "changes", room: "", at: null }]]);
});

test("one for a room of which there is no copy is none that can be gone on from", () => {
  load();
  FakeSocket.last.open();
  FakeSocket.last.receive("change", { epoch: EPOCH, seq: 1, joined: ["Ada"], left: [] });
  assert.deepEqual(room.names, []);
  assert.deepEqual(FakeSocket.last.sent, [["enter", { view: "changes", room: "", at: null }]]);
});

test("a room whose view is not that of the address is entered from its copy as well", () => {
  load({ view: "count" });
  const other = room.enter("a");
  FakeSocket.last.open();
  FakeSocket.last.ok();
  FakeSocket.last.receive("roster", { room: "a", seq: 5, names: ["Bob"] });
  room.reconnect();
  FakeSocket.last.open();
  assert.deepEqual([hello().rooms, hello().view], [{}, "count"]);
  const at = [EPOCH, 5, digest([["Bob"]])];
  assert.deepEqual(FakeSocket.last.sent, [["enter", { view: "changes", room: "a", at }]]);
  FakeSocket.last.ok();
  FakeSocket.last.receive("change", { room: "a", epoch: EPOCH, seq: 6, joined: ["Eve"], left: [] });
  assert.deepEqual([other.state, other.names], ["open", ["Bob", "Eve"]]);
});

test("where the client is still somebody, it does not log in again", async () => {
  load();
  const other = room.enter("a");
  opened();
  logIn("Ada", { status: "idle", data: { x: 1 } });
  other.login("Eve");
  FakeSocket.last.ok();
  room.reconnect();
  FakeSocket.last.open([""]);
  assert.deepEqual(FakeSocket.last.sent, [["login", "Eve", { room: "a" }]]);
  assert.deepEqual([room.name, room.status, room.data], ["Ada", "idle", { x: 1 }]);
  room.set({ data: { x: null } });
  assert.deepEqual(FakeSocket.last.sent.at(-1), ["set", { data: { x: null } }]);
});

test("there only what is new since is asked for, and what nobody knows to be done", async () => {
  load();
  opened();
  logIn("Ada", { status: "idle", data: { x: 1, y: 1, z: 1 } });
  const inFlight = room.set({ data: { x: 2, y: null } });
  FakeSocket.last.fail();
  room.set({ data: { z: 1 } });
  const same = room.login("Ada", { status: "idle" });
  tick(5_000);
  FakeSocket.last.open([""]);
  assert.deepEqual(FakeSocket.last.sent, [["set", { data: { x: 2, y: null } }]]);
  FakeSocket.last.ok();
  await Promise.all([inFlight, same]);
  assert.deepEqual(room.data, { x: 2, z: 1 });
});

test("what is there already is no request", async () => {
  load();
  opened();
  logIn();
  room.reconnect();
  const login = room.login("Ada", { status: "active" });
  FakeSocket.last.open([""]);
  await login;
  assert.deepEqual(FakeSocket.last.sent, []);
});

for (const [what, inFlight, resumed, sent] of [
  ["login that is done already", () => room.login("Ada"), [""], [["login", "Ada"]]],
  ["login that is not done", () => room.login("Ada"), [], [["login", "Ada"]]],
  ["logout that is done already", () => logOut(), [], []],
  ["logout that is not done", () => logOut(), [""], [["logout"]]],
]) {
  test(`a ${what} ends as it should`, () => {
    load();
    opened();
    inFlight();
    FakeSocket.last.fail();
    tick(5_000);
    FakeSocket.last.open(resumed);
    assert.deepEqual(FakeSocket.last.sent, sent);
  });
}

function logOut() {
  logIn();
  room.logout();
}

test("a name that is still there though nobody asked for it is logged out", () => {
  load();
  FakeSocket.last.open([""]);
  assert.deepEqual(FakeSocket.last.sent, [["logout"]]);
  FakeSocket.last.ok();
  assert.equal(room.name, null);
});

// ---- After a reload ----------------------------------------------------------------------------

test("a page that is reloaded is the same person, and shows the list at once", async () => {
  load();
  opened({ seq: 7, names: ["Ada", "Bob"], status: { Bob: "idle" }, data: { Bob: { x: 1 } } });
  logIn("Ada", { data: { color: "teal" } });
  const { client } = hello();
  const old = FakeSocket.last;
  const socket = await reload();
  assert.deepEqual([old.closes, old.code], [1, undefined], "which holds the name for a while");
  assert.deepEqual([room.state, room.name, room.seq, room.count], ["connecting", "Ada", 7, 2]);
  assert.deepEqual([room.names, room.statusOf("Bob")], [["Ada", "Bob"], "idle"]);
  assert.deepEqual([room.dataOf("Bob"), room.data], [{ x: 1 }, { color: "teal" }]);
  const events = heard("state", "roster", "change");
  socket.open([""]);
  const copy = digest([["Ada"], ["Bob", "idle", { x: 1 }]]);
  const rooms = { "": [EPOCH, 7, copy] };
  assert.deepEqual(hello(), { client, rooms, view: "changes" });
  socket.receive("change", { epoch: EPOCH, seq: 8, joined: ["Eve"], left: [] });
  assert.deepEqual(room.names, ["Ada", "Bob", "Eve"]);
  assert.deepEqual(socket.sent, []);
  assert.deepEqual(events, [
    ["state", "open"],
    ["change", { seq: 8, joined: ["Eve"], left: [], updated: [] }],
  ]);
});

test("the list of before a reload is an event, for pages that wait for one", async () => {
  load();
  opened();
  page.leave();
  forget(all.pop());
  load();
  const events = heard("roster");
  assert.deepEqual(events, []);
  await settled();
  const names = ["Ada", "Bob"];
  assert.deepEqual(events, [["roster", { epoch: EPOCH, seq: 1, names, joined: names, left: [] }]]);
  assert.equal(room.state, "connecting");
  opened({ seq: 9, names: ["Bob", "Eve"] });
  assert.deepEqual([events[1][1].joined, events[1][1].left], [["Eve"], ["Ada"]]);
});

test("but not once there is a newer one, or none is wanted any more", async () => {
  load();
  opened();
  page.leave();
  forget(all.pop());
  load();
  const events = heard("roster");
  opened({ seq: 9, names: ["Bob"] });
  await settled();
  assert.equal(events.length, 1);
  page.leave();
  forget(all.pop());
  load();
  const others = heard("roster");
  room.close();
  await settled();
  assert.deepEqual(others, []);
});

test("for a page that wants another view it is of no use", async () => {
  load();
  opened();
  const socket = await reload({ view: "count" });
  assert.deepEqual([room.names, room.count, room.seq], [[], null, null]);
  socket.open();
  assert.deepEqual(hello().rooms, {});
});

test("a page that tells its status has nothing to tell after a reload", async () => {
  load({ autoStatus: true });
  opened();
  logIn();
  const socket = await reload({ autoStatus: true });
  socket.open([""]);
  assert.deepEqual(socket.sent, []);
});

test("a page that comes back too late logs in again, as who it was", async () => {
  load();
  opened();
  logIn("Ada", { status: "idle", data: { x: 1 } });
  const socket = await reload();
  socket.open([]);
  assert.deepEqual(socket.sent, [["login", "Ada", { status: "idle", data: { x: 1 } }]]);
});

test("a page that logs in by itself is resumed all the same", async () => {
  load();
  opened();
  logIn("Ada", { data: { color: "teal" } });
  const socket = await reload();
  const login = room.login("Ada", { data: { color: "teal" } });
  socket.open([""]);
  assert.deepEqual(socket.sent, []);
  await login;
});

test("a page that had logged out is nobody after a reload", async () => {
  load();
  opened();
  logIn();
  room.logout();
  FakeSocket.last.ok();
  const socket = await reload();
  assert.equal(room.name, null);
  socket.open([]);
  assert.deepEqual(socket.sent, []);
});

test("what was asked for when the page was left is asked for again", async () => {
  load();
  opened();
  logIn("Ada");
  room.set({ data: { x: 1 } });
  room.set({ data: { y: 2 } });
  const socket = await reload();
  assert.deepEqual(room.data, { x: 1, y: 2 });
  socket.open([""]);
  assert.deepEqual(socket.sent, [["set", { data: { x: 1, y: 2 } }]]);
});

test("each room has what it had, whoever enters it first", async () => {
  load();
  opened();
  const other = room.enter("a");
  FakeSocket.last.ok();
  FakeSocket.last.receive("roster", { room: "a", seq: 5, names: ["Zoe"] });
  other.login("Eve");
  FakeSocket.last.ok();
  const socket = await reload();
  socket.open(["a"]);
  const again = room.enter("a");
  assert.deepEqual([again.name, again.names], ["Eve", ["Zoe"]]);
  const at = [EPOCH, 5, digest([["Zoe"]])];
  assert.deepEqual(socket.sent, [["enter", { view: "changes", room: "a", at }]]);
  socket.ok();
  socket.receive("change", { room: "a", epoch: EPOCH, seq: 6, joined: [], left: [] });
  assert.equal(socket.sent.length, 1, "where it was still somebody it does not log in");
  again.exit();
  assert.deepEqual([room.enter("a").name, room.enter("a").names], [null, []]);
});

test("a page that is killed has what it had when it was hidden, or took its name", async () => {
  load();
  opened();
  const { client } = hello();
  assert.equal(storage.items.size, 0, "of a page that only looks on nothing is kept until then");
  logIn("Ada");
  assert.equal(kept().client, client);
  assert.equal(kept().rooms[""].member[0].name, "Ada");
  FakeSocket.last.receive("change", { seq: 2, joined: ["Eve"], left: [] });
  page.hide();
  assert.deepEqual(kept().rooms[""].copy.names, ["Ada", "Bob", "Eve"]);
});

test("a page that goes without being hidden first has what it had then", () => {
  load();
  opened({ seq: 1, names: ["Bob"] });
  page.dispatchEvent(Object.assign(new Event("pagehide"), { persisted: false }));
  assert.deepEqual(kept().rooms[""].copy.names, ["Bob"]);
  assert.equal(FakeSocket.last.closes, 1);
});

test("a page that is put away keeps what it had then, and not that it is hidden", () => {
  load({ autoStatus: true });
  opened();
  logIn("Ada");
  page.leave();
  assert.deepEqual(kept().rooms[""].member, [{ name: "Ada", status: "active", data: {} }, null]);
});

test("close() is a logout, and the end of what is kept", () => {
  load();
  opened();
  logIn("Ada");
  assert.equal(storage.items.size, 1);
  room.close();
  assert.deepEqual([FakeSocket.last.code, FakeSocket.last.closes], [4000, 1]);
  assert.equal(storage.items.size, 0);
});

for (const [what, act] of [
  ["reconnect()", () => room.reconnect()],
  ["a page that is left", () => page.leave()],
  ["a link that does not answer", () => [30_000, 10_000].forEach(tick)],
]) {
  test(`${what} is no logout`, () => {
    load();
    const socket = opened();
    act();
    assert.deepEqual([socket.closes, socket.code], [1, undefined]);
  });
}

// ---- What can be kept --------------------------------------------------------------------------

test("a list that is too long to be kept is left out, and the person is not", async () => {
  load();
  const names = Array.from({ length: 20_000 }, (_, i) => `Somebody ${String(i).padStart(5, "0")}`);
  opened({ seq: 1, names });
  logIn("Ada");
  const socket = await reload();
  assert.ok(storage.items.get(KEY).length < 1_000);
  assert.deepEqual([room.name, room.names, room.seq], ["Ada", [], null]);
  socket.openSilently();
  assert.deepEqual(hello().rooms, {});
});

test("nor is it where the storage is nearly full", async () => {
  storage.most = 200;
  load();
  opened({ seq: 1, names: ["x".repeat(200)] });
  logIn("Ada");
  await reload();
  assert.deepEqual([room.name, room.names], ["Ada", []]);
});

for (const [what, broken] of [
  ["is full", () => Object.assign(new FakeStorage(), { most: 0 })],
  ["is blocked", () => null],
]) {
  test(`where the storage ${what}, all is in memory`, () => {
    load({ storage: broken() });
    opened();
    logIn("Ada");
    const { client } = hello();
    page.leave();
    page.comeBack();
    FakeSocket.last.open([""]);
    assert.equal(hello().client, client);
    assert.deepEqual(FakeSocket.last.sent, []);
    room.close();
  });
}

for (const text of ["", "null", "5", "[]", "{", '{"client":7}', '{"client":"zz","rooms":null}']) {
  test(`from ${text || "an empty text"} in the storage there is nothing to be had`, () => {
    storage.items.set(KEY, text);
    load();
    opened();
    assert.match(hello().client, ID);
    assert.deepEqual(room.names, ["Ada", "Bob"]);
  });
}

test("another connection of the page to the same server is another client", async () => {
  load();
  const second = connect("ws://test/ws/doc-1", { WebSocket: FakeSocket });
  all.push(second);
  for (const socket of FakeSocket.all) socket.open();
  const [first, other] = FakeSocket.all.map(({ hellos }) => hellos[0].client);
  assert.notEqual(first, other);
  page.leave();
  all.splice(0).reverse().forEach(forget);
  load();
  all.push(connect("ws://test/ws/doc-1", { WebSocket: FakeSocket }));
  for (const socket of FakeSocket.all.slice(2)) socket.openSilently();
  const after = FakeSocket.all.slice(2).map(({ hellos }) => hellos[0].client);
  assert.deepEqual(after, [first, other], "each of them its own again");
});

test("another server has its own", () => {
  load();
  opened();
  logIn();
  const { client } = hello();
  load({ url: "ws://other/ws" });
  FakeSocket.last.open();
  assert.notEqual(hello().client, client);
  assert.equal(room.name, null);
});
