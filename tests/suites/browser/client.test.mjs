// www/headcount.js by itself: with sockets that do what the test says, and timers that wait for it.
//
//     node --test client.test.mjs

import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";

import { canonical, connect } from "../../../www/headcount.js";
import { EPOCH, FakeSocket } from "./fakes.mjs";

const URL = "ws://test/ws";
let room;
let events;

function start() {
  room = connect(URL, { WebSocket: FakeSocket });
  events = [];
  for (const event of ["state", "roster", "change", "error"]) {
    room.on(event, (detail) => events.push([event, detail]));
  }
  return FakeSocket.last;
}

function startOpen(seq = 1, names = ["Ada", "Bob"]) {
  const socket = start();
  socket.open();
  socket.receive("roster", { seq, names });
  return socket;
}

beforeEach(() => {
  FakeSocket.reset();
  mock.timers.enable({ apis: ["setTimeout", "Date"] });
  mock.method(Math, "random", () => 1); // the longest wait there can be
});

afterEach(() => {
  room?.close();
  mock.timers.reset();
  mock.restoreAll();
});

test("connects, and is open with the first roster", () => {
  const socket = start();
  assert.equal(socket.url, URL);
  assert.equal(socket.protocol, "headcount.v2");
  assert.equal(room.state, "connecting");
  assert.deepEqual(room.names, []);
  assert.equal(room.seq, null);

  socket.open();
  assert.equal(room.state, "connecting");
  socket.receive("roster", { seq: 7, names: ["Ada", "Bob"] });
  assert.equal(room.state, "open");
  assert.equal(room.seq, 7);
  assert.equal(room.size, 2);
  assert.ok(room.has("Ada") && !room.has("ada"));
  assert.deepEqual(events, [
    ["state", "open"],
    ["roster", { epoch: EPOCH, seq: 7, names: ["Ada", "Bob"], joined: ["Ada", "Bob"], left: [] }],
  ]);
});

test("takes http and relative addresses too", () => {
  room = connect("https://example.org/ws", { WebSocket: FakeSocket });
  assert.equal(FakeSocket.last.url, "wss://example.org/ws");
  room.close();
  globalThis.document = { baseURI: "http://example.org/rooms/1" };
  room = connect("ws", { WebSocket: FakeSocket });
  delete globalThis.document;
  assert.equal(FakeSocket.last.url, "ws://example.org/rooms/ws");
});

test("applies changes, and keeps the names in code point order", () => {
  const socket = startOpen(1, ["Ada", "Bob"]);
  const before = room.names;
  socket.receive("change", { seq: 2, joined: ["🦊", "\uFF21", "Aa"], left: ["Bob"] });
  assert.equal(room.seq, 2);
  assert.deepEqual(room.names, ["Aa", "Ada", "\uFF21", "🦊"]);
  assert.equal(room.names, room.names, "one array until the next change");
  assert.deepEqual(before, ["Ada", "Bob"], "which leaves this one alone");
  assert.ok(Object.isFrozen(before) && Object.isFrozen(room.names));
  assert.deepEqual(events.at(-1), [
    "change",
    { seq: 2, joined: ["🦊", "\uFF21", "Aa"], left: ["Bob"], updated: [] },
  ]);
});

test("a new roster on the same connection replaces everything and tells the difference", () => {
  const socket = startOpen(1, ["Ada", "Bob"]);
  socket.receive("roster", { seq: 90, names: ["Bob", "Eve"] });
  assert.deepEqual(room.names, ["Bob", "Eve"]);
  assert.deepEqual(events.at(-1), [
    "roster",
    { epoch: EPOCH, seq: 90, names: ["Bob", "Eve"], joined: ["Eve"], left: ["Ada"] },
  ]);
  socket.receive("change", { seq: 91, joined: [], left: ["Eve"] });
  assert.deepEqual(room.names, ["Bob"]);
});

for (const [what, seq] of [
  ["a gap", 4],
  ["a repetition", 2],
]) {
  test(`${what} in the sequence is answered with a request for the roster`, () => {
    const socket = startOpen(2, ["Ada"]);
    socket.receive("change", { seq, joined: ["Eve"], left: [] });
    assert.deepEqual(room.names, ["Ada"], "the last roster known to be right stays");
    assert.deepEqual(socket.sent, [["enter", { view: "changes", room: "", at: null }]]);
    socket.ok();
    assert.equal(room.state, "connecting");

    socket.receive("roster", { seq: 9, names: ["Eve"] });
    assert.equal(room.state, "open");
    assert.equal(FakeSocket.all.length, 1);
    assert.deepEqual(room.names, ["Eve"]);
    assert.deepEqual(events.at(-1)[1].left, ["Ada"]);
  });
}

test("a change before the roster changes nothing, and what is not JSON drops the connection", () => {
  startOpen(1, ["Ada"]).fail();
  mock.timers.tick(5_000);
  FakeSocket.last.open();
  FakeSocket.last.receive("change", { seq: 2, joined: ["Eve"], left: [] });
  assert.deepEqual(room.names, ["Ada"]);
  FakeSocket.last.onmessage({ data: "<html>" });
  assert.equal(room.state, "waiting");
  assert.deepEqual(room.names, ["Ada"]);
});

test("an event of a later version is ignored", () => {
  const socket = startOpen();
  socket.receive("weather", { sunny: true });
  assert.equal(room.state, "open");
});

test("waits up to 5 s, 10 s, 20 s, 40 s, then 60 s between failures", () => {
  start().fail();
  for (const most of [5_000, 10_000, 20_000, 40_000, 60_000, 60_000]) {
    const before = FakeSocket.all.length;
    mock.timers.tick(most - 1);
    assert.equal(FakeSocket.all.length, before);
    mock.timers.tick(1);
    assert.equal(FakeSocket.all.length, before + 1);
    FakeSocket.last.fail();
  }
});

test("the wait is anything from half a second up", () => {
  Math.random.mock.mockImplementation(() => 0);
  start().fail();
  for (let failures = 0; failures < 6; failures++) {
    mock.timers.tick(499);
    assert.equal(room.state, "waiting");
    mock.timers.tick(1);
    assert.equal(room.state, "connecting");
    FakeSocket.last.fail();
  }
});

test("a connection that lasts for 30 s starts the waits anew; one that does not, not", () => {
  const again = (lasting) => {
    FakeSocket.last.open();
    FakeSocket.last.receive("roster", { seq: 1, names: [] });
    mock.timers.tick(lasting);
    FakeSocket.last.fail();
  };
  start().fail();
  mock.timers.tick(5_000);
  again(29_999);
  mock.timers.tick(5_000);
  assert.equal(room.state, "waiting");
  mock.timers.tick(5_000);
  again(30_000);
  mock.timers.tick(5_000);
  assert.equal(room.state, "connecting");
});

test("a server that takes everyone in and drops them at once is asked ever less often", () => {
  start();
  for (let hour = 0; hour < 3_600; hour++) {
    FakeSocket.last.open?.();
    if (room.state === "connecting") {
      FakeSocket.last.receive("roster", { seq: 1, names: [] });
      FakeSocket.last.fail();
    }
    mock.timers.tick(1_000);
  }
  assert.ok(FakeSocket.all.length < 70, `${FakeSocket.all.length} attempts in an hour`);
});

test("an attempt that hangs is given up after 10 s", () => {
  const socket = start();
  mock.timers.tick(9_999);
  assert.equal(room.state, "connecting");
  mock.timers.tick(1);
  assert.equal(room.state, "waiting");
  assert.equal(socket.readyState, 2);
});


test("late events of a dropped socket change nothing", () => {
  const old = startOpen(1, ["Ada"]);
  room.login("Ada");
  room.reconnect();
  const socket = FakeSocket.last;
  assert.notEqual(socket, old);
  assert.equal(old.readyState, 2);
  const heard = events.length;

  old.onopen({});
  old.receive("roster", { seq: 50, names: ["Ghost"] });
  old.receive("change", { seq: 2, joined: ["Ghost"], left: [] });
  old.receive("error", { code: "name_invalid", message: "" });
  old.fail();
  assert.equal(room.state, "connecting");
  assert.equal(room.name, "Ada");
  assert.deepEqual(room.names, ["Ada"]);
  assert.equal(events.length, heard);

  mock.timers.tick(9_999);
  assert.equal(FakeSocket.last, socket, "nor do they start another attempt");
});

test("an error and the close that follows it are one failure", () => {
  start().fail();
  mock.timers.tick(5_000);
  assert.equal(FakeSocket.all.length, 2);
});

test("reconnect() does not wait, and leaves no second attempt behind", () => {
  start().fail();
  room.reconnect();
  assert.equal(FakeSocket.all.length, 2);
  assert.equal(room.state, "connecting");
  mock.timers.tick(5_000);
  assert.equal(FakeSocket.all.length, 2);
});

test("logs in once connected, and again after each reconnect", () => {
  const socket = start();
  room.login(" Ada\u3000L. ");
  assert.equal(room.name, "Ada L.");
  assert.deepEqual(socket.sent, []);
  socket.open();
  assert.deepEqual(socket.sent, [["login", "Ada L."]]);

  socket.ok();
  room.login("Eve");
  assert.deepEqual(socket.sent.at(-1), ["login", "Eve"]);
  socket.fail();
  mock.timers.tick(5_000);
  FakeSocket.last.open();
  assert.deepEqual(FakeSocket.last.sent, [["login", "Eve"]]);
  FakeSocket.last.ok();

  room.logout();
  assert.equal(room.name, null);
  assert.deepEqual(FakeSocket.last.sent.at(-1), ["logout"]);
  room.reconnect();
  FakeSocket.last.open();
  assert.deepEqual(FakeSocket.last.sent, []);
});

test("a refused login is not repeated", () => {
  const socket = startOpen();
  const refusal = { code: "name_too_long", message: "Too long." };
  room.login("x".repeat(33));
  socket.refuse(refusal.code, refusal.message);
  assert.equal(room.name, null);
  assert.equal(events.at(-1)[0], "error");
  assert.deepEqual({ ...refusal, ...events.at(-1)[1] }, events.at(-1)[1]);
  room.reconnect();
  FakeSocket.last.open();
  assert.deepEqual(FakeSocket.last.sent, []);
});

test("a refused rename leaves the name from before", () => {
  const socket = startOpen();
  room.login("Ada");
  socket.ok();
  room.login("\u202E");
  socket.refuse("name_invalid");
  assert.equal(room.name, "Ada");
  room.reconnect();
  FakeSocket.last.open();
  assert.deepEqual(FakeSocket.last.sent, [["login", "Ada"]]);
});

test("a login that is refused after a reconnect is not repeated either", () => {
  startOpen();
  room.login("Ada");
  FakeSocket.last.ok();
  room.login("Eve");
  room.reconnect();
  FakeSocket.last.open();
  FakeSocket.last.refuse("rate_limited");
  assert.equal(room.name, null, "on this connection there was no name before");
  room.reconnect();
  FakeSocket.last.open();
  assert.deepEqual(FakeSocket.last.sent, []);
});

test("close() is for good, in every state", () => {
  const inState = {
    connecting: () => start(),
    open: () => startOpen(),
    waiting: () => start().fail(),
  };
  for (const [state, reach] of Object.entries(inState)) {
    reach();
    assert.equal(room.state, state);
    const count = FakeSocket.all.length;
    room.close();
    assert.equal(room.state, "closed");
    assert.notEqual(FakeSocket.last.readyState, 1);
    FakeSocket.last.fail();
    room.reconnect();
    room.login("Ada");
    mock.timers.tick(3_600_000);
    assert.equal(room.state, "closed");
    assert.equal(FakeSocket.all.length, count);
  }
});

test("close() holds even from inside an event", () => {
  start();
  room.on("state", () => room.close());
  FakeSocket.last.fail();
  mock.timers.tick(3_600_000);
  assert.equal(room.state, "closed");
  assert.equal(FakeSocket.all.length, 1);
});

test("on() returns what ends it", () => {
  const socket = startOpen();
  const heard = [];
  const off = room.on("change", ({ seq }) => heard.push(seq));
  socket.receive("change", { seq: 2, joined: ["Eve"], left: [] });
  off();
  socket.receive("change", { seq: 3, joined: [], left: ["Eve"] });
  assert.deepEqual(heard, [2]);
});

test("names in canonical form", () => {
  for (const [name, form] of [
    ["Ada", "Ada"],
    ["  Ada \t\n Lovelace\u00A0", "Ada Lovelace"],
    ["\u3000李\u2003雷\u0085", "李 雷"],
    ["Zoe\u0308", "Zoë"],
    ["Zoe\uFE0F\u0308", "Zoë"],
    ["\u2764\uFE0F", "\u2764"],
    ["\uFEFFAda", "\uFEFFAda"],
    ["\uFE0F \uFE0E", ""],
    ["ada", "ada"],
  ]) {
    assert.equal(canonical(name), form);
    assert.equal(canonical(form), form);
  }
});
