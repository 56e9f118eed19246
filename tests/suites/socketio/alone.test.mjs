// www/socket.io.js by itself, where it must be exact or is better than what it stands in for: with
// sockets that do what the test says, and timers that wait for it.
//
//     npm ci && node --test

import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";

import { ours as io } from "./ours.mjs";

class FakeSocket {
  static all = [];
  static get last() {
    return FakeSocket.all.at(-1);
  }

  readyState = 0;
  sent = [];

  constructor(url) {
    this.url = url;
    FakeSocket.all.push(this);
  }
  send(message) {
    assert.equal(this.readyState, 1, "sends only on an open socket");
    this.sent.push(message);
  }
  close() {
    this.readyState = 2;
  }

  // What the server and the network do.
  open(pingInterval = 25_000, pingTimeout = 20_000) {
    this.readyState = 1;
    this.receive(`0${JSON.stringify({ sid: "s", upgrades: [], pingInterval, pingTimeout })}`);
  }
  receive(...messages) {
    for (const data of messages) this.onmessage({ data });
  }
  fail() {
    this.readyState = 3;
    this.onerror({});
    this.onclose({});
  }
}

let sockets;
let events;

/** A socket on a connection of its own, whose events are recorded. */
function start(options, url = "http://test") {
  const socket = io(url, { forceNew: true, transports: ["websocket"], ...options });
  sockets.push(socket);
  record(socket, "connect", "disconnect", "connect_error");
  return [socket, FakeSocket.last];
}

function record(emitter, ...names) {
  for (const name of names) {
    emitter.on(name, (detail) => events.push([name, detail?.message ?? detail]));
  }
}

function startConnected(options) {
  const [socket, websocket] = start(options);
  websocket.open();
  websocket.receive('40{"sid":"t"}');
  assert.deepEqual(websocket.sent.splice(0), ["40"]);
  assert.deepEqual(events.splice(0), [["connect", undefined]]);
  return [socket, websocket];
}

beforeEach(() => {
  sockets = [];
  events = [];
  FakeSocket.all = [];
  mock.timers.enable({ apis: ["setTimeout"] });
  mock.method(Math, "random", () => 1); // the longest wait there can be
  globalThis.WebSocket = FakeSocket;
});

afterEach(() => {
  for (const socket of sockets) socket.disconnect();
  delete globalThis.location;
  mock.timers.reset();
  mock.restoreAll();
});

test("an address may leave out what the page has", () => {
  globalThis.location = new URL("https://page.test:8443/a/b?c#d");
  const query = "EIO=4&transport=websocket";
  const isAt = (socket, url, namespace) => {
    assert.deepEqual([FakeSocket.last.url, socket.nsp], [`${url}?${query}`, namespace]);
    sockets.push(socket);
  };
  isAt(io.connect(), "wss://page.test:8443/socket.io/", "/");
  isAt(io.connect({ path: "/x" }), "wss://page.test:8443/x/", "/");
  isAt(io.connect("/chat", { path: "/y" }), "wss://page.test:8443/y/", "/chat");
  for (const [address, url, namespace = "/"] of [
    [null, "wss://page.test:8443/socket.io/"],
    ["", "wss://page.test:8443/socket.io/"],
    ["/", "wss://page.test:8443/socket.io/"],
    ["/chat", "wss://page.test:8443/socket.io/", "/chat"],
    ["/聊天/1", "wss://page.test:8443/socket.io/", "/聊天/1"],
    ["//other.test/chat", "wss://other.test/socket.io/", "/chat"],
    ["other.test", "wss://other.test/socket.io/"],
    ["localhost:3000", "wss://localhost:3000/socket.io/"],
    ["localhost:3000/chat", "wss://localhost:3000/socket.io/", "/chat"],
    ["http://localhost:3000", "ws://localhost:3000/socket.io/"],
    ["http://localhost:80/chat/#x", "ws://localhost/socket.io/", "/chat/"],
    ["https://[::1]:3000/", "wss://[::1]:3000/socket.io/"],
    ["ws://a.test/b/c", "ws://a.test/socket.io/", "/b/c"],
    ["wss://a.test", "wss://a.test/socket.io/"],
  ]) {
    isAt(io.connect(address, { forceNew: true }), url, namespace);
  }
  start({ path: "x/y" });
  assert.equal(FakeSocket.last.url, `ws://test/x/y/?${query}`);
  start({ query: { a: "&", EIO: 3 } });
  assert.equal(FakeSocket.last.url, "ws://test/socket.io/?a=%26&EIO=4&transport=websocket");
  start({ query: "a=1" });
  assert.equal(FakeSocket.last.url, "ws://test/socket.io/?a=1&EIO=4&transport=websocket");
  start({ query: "a=1" }, "http://test/?b=2");
  assert.equal(FakeSocket.last.url, "ws://test/socket.io/?b=2&EIO=4&transport=websocket");
});

test("packets as they are on the wire", () => {
  const [socket, websocket] = start({ auth: { token: "a" } });
  assert.equal(websocket.binaryType, "arraybuffer");
  const custom = socket.io.socket("/custom");
  websocket.open();
  assert.deepEqual(websocket.sent.splice(0), ['40{"token":"a"}', "40/custom,"]);
  websocket.receive('40/custom,{"sid":"u"}', '40{"sid":"t"}');
  const [one, two] = [new Uint8Array([1]), new Uint8Array([2]).buffer];
  socket.emit("a");
  socket.emit("a", "b", 1, () => {});
  custom.emit("a", () => {});
  socket.emit("a", { one, list: [two] }, () => {});
  custom.emit("a", one);
  assert.deepEqual(websocket.sent.splice(0), [
    '42["a"]',
    '420["a","b",1]',
    '42/custom,0["a"]',
    ...['452-1["a",{"one":{"_placeholder":true,"num":0},"list":[{"_placeholder":true,"num":1}]}]'],
    ...[one, two],
    ...['451-/custom,["a",{"_placeholder":true,"num":0}]', one],
  ]);
  socket.on("q", (answer) => {
    answer(one);
    answer("again");
  });
  custom.on("q", (what, answer) => answer(what));
  websocket.receive('4212["q"]', '42/custom,7["q",[8]]');
  assert.deepEqual(websocket.sent.splice(0), [
    ...['461-12[{"_placeholder":true,"num":0}]', one],
    "43/custom,7[[8]]",
  ]);
  custom.disconnect();
  socket.disconnect();
  assert.deepEqual(websocket.sent, ["41/custom,", "41"]);
  assert.equal(websocket.readyState, 2);
});

test("an attempt is given up after 20 s", () => {
  const [socket, websocket] = start();
  mock.timers.tick(19_999);
  assert.deepEqual(events, []);
  mock.timers.tick(1);
  assert.deepEqual(events, [["connect_error", "timeout"]]);
  assert.equal(websocket.readyState, 2);
  assert.equal(socket.active, true);
});

test("waits up to 1.5 s, 3 s, then 5 s between attempts", () => {
  start()[1].fail();
  for (const most of [1_500, 3_000, 5_000, 5_000, 5_000]) {
    const before = FakeSocket.all.length;
    mock.timers.tick(most - 1);
    assert.equal(FakeSocket.all.length, before);
    mock.timers.tick(1);
    assert.equal(FakeSocket.all.length, before + 1);
    FakeSocket.last.fail();
  }
  assert.deepEqual(events, Array(6).fill(["connect_error", "websocket error"]));
});

test("waits at least 0.5 s, 1 s, 2 s, then 2.5 s between attempts", () => {
  Math.random.mock.mockImplementation(() => 0);
  start()[1].fail();
  for (const least of [500, 1_000, 2_000, 2_500, 2_500]) {
    const before = FakeSocket.all.length;
    mock.timers.tick(least - 1);
    assert.equal(FakeSocket.all.length, before);
    mock.timers.tick(1);
    assert.equal(FakeSocket.all.length, before + 1);
    FakeSocket.last.fail();
  }
});

test("the waits are what the options say, and start anew with each connection", () => {
  const delays = { reconnectionDelay: 10, reconnectionDelayMax: 40, randomizationFactor: 0 };
  const [socket, websocket] = start(delays);
  record(socket.io, "reconnect_attempt", "reconnect");
  websocket.open();
  websocket.receive('40{"sid":"t"}');
  assert.deepEqual(events.splice(0), [["connect", undefined]]);
  websocket.fail();
  for (const wait of [10, 20]) {
    mock.timers.tick(wait);
    FakeSocket.last.fail();
  }
  mock.timers.tick(40);
  FakeSocket.last.open();
  assert.deepEqual(events.splice(0), [
    ["disconnect", "transport error"],
    ...[
      ["reconnect_attempt", 1],
      ["connect_error", "websocket error"],
    ],
    ...[
      ["reconnect_attempt", 2],
      ["connect_error", "websocket error"],
    ],
    ...[
      ["reconnect_attempt", 3],
      ["reconnect", 3],
    ],
  ]);
  FakeSocket.last.fail();
  mock.timers.tick(10);
  assert.deepEqual(events.splice(1), [["reconnect_attempt", 1]]);
  socket.disconnect().connect();
  FakeSocket.last.open();
  assert.deepEqual(events.splice(1), [], "this was no reconnect");
});

test("a server may be silent for pingInterval and pingTimeout, and no longer", () => {
  const [socket, websocket] = startConnected();
  mock.timers.tick(44_999);
  websocket.receive("2");
  assert.deepEqual(websocket.sent, ["3"]);
  mock.timers.tick(44_999);
  assert.deepEqual(events, []);
  mock.timers.tick(1);
  assert.deepEqual(events, [["disconnect", "ping timeout"]]);
  assert.equal(websocket.readyState, 2);
  assert.deepEqual([socket.connected, socket.active, socket.id], [false, true, undefined]);
});

test("the close of Engine.IO, and engine.close(), are a lost connection", () => {
  startConnected()[1].receive("1");
  assert.deepEqual(events, [["disconnect", "transport close"]]);
  events = [];
  const [socket] = startConnected();
  socket.io.engine.on("upgrade", () => assert.fail("there is nothing to upgrade to"));
  socket.io.engine.close();
  assert.deepEqual(events, [["disconnect", "forced close"]]);
});

test("what breaks the protocol ends the connection", () => {
  for (const messages of [
    ...[[""], ["x"], ["3"], ["5"], ["0{"], ["4"], ["4x"], ["47"], ["42"], ["42{}"], ["43{}"]],
    ...[["42["], ['42["disconnect"]'], ["40[]"], ["44[]"]],
    ...[[new ArrayBuffer(1)], ['451-["a"]', '42["b"]'], ['451-["a"]', '451-["a"]']],
    ['452-["a",{"_placeholder":true,"num":2}]', new ArrayBuffer(1), new ArrayBuffer(1)],
  ]) {
    const [socket, websocket] = startConnected();
    socket.onAny(() => assert.fail("an event"));
    websocket.receive(...messages);
    assert.deepEqual(events.splice(0), [["disconnect", "parse error"]], messages[0]);
    assert.equal(websocket.readyState, 2);
  }
});

test("half a packet is forgotten with its connection", () => {
  const [socket, websocket] = startConnected();
  socket.on("a", (...args) => events.push(["a", ...args]));
  websocket.receive('451-["a",{"_placeholder":true,"num":0}]');
  websocket.fail();
  mock.timers.tick(1_500);
  FakeSocket.last.open();
  FakeSocket.last.receive('40{"sid":"t"}', '42["a",1]');
  assert.deepEqual(events.at(-1), ["a", 1]);
});

test("a ping may come between a packet and its attachment", () => {
  const [socket, websocket] = startConnected();
  socket.on("a", (...args) => events.push(["a", ...args]));
  const bytes = new ArrayBuffer(1);
  websocket.receive('451-["a",{"_placeholder":true,"num":0}]', "2", bytes);
  assert.deepEqual(events, [["a", bytes]]);
});

test("late events of a dropped socket change nothing", () => {
  const [socket, old] = startConnected();
  socket.disconnect().connect();
  assert.notEqual(FakeSocket.last, old);
  events = [];
  old.readyState = 1;
  old.open();
  old.receive('40{"sid":"ghost"}', '42["ghost"]');
  old.fail();
  assert.deepEqual([events, socket.id, FakeSocket.all.length], [[], undefined, 2]);
});

test("an error and the close that follows it are one failure", () => {
  start()[1].fail();
  assert.equal(events.length, 1);
  mock.timers.tick(1_500);
  assert.equal(FakeSocket.all.length, 2);
});

test("disconnect() leaves nothing behind, in every state", () => {
  const inState = {
    opening: () => start(),
    open: () => {
      const [socket, websocket] = start();
      websocket.open();
      return [socket];
    },
    connected: () => startConnected(),
    waiting: () => {
      const [socket, websocket] = start();
      websocket.fail();
      return [socket];
    },
  };
  for (const [state, reach] of Object.entries(inState)) {
    const [socket] = reach();
    events = [];
    const count = FakeSocket.all.length;
    socket.disconnect();
    assert.equal(FakeSocket.last.readyState >= 2, true, state);
    mock.timers.tick(3_600_000);
    const heard = state === "connected" ? [["disconnect", "io client disconnect"]] : [];
    assert.deepEqual([events, FakeSocket.all.length], [heard, count], state);
  }
});

test("disconnect() holds from inside an event too", () => {
  for (const event of ["disconnect", "reconnect_attempt", "connect_error", "reconnect_error"]) {
    events = [];
    const [socket, websocket] = startConnected();
    socket.on(event, () => socket.disconnect());
    websocket.fail();
    mock.timers.tick(1_500);
    if (FakeSocket.last.readyState === 0) FakeSocket.last.fail();
    const count = FakeSocket.all.length;
    mock.timers.tick(3_600_000);
    assert.deepEqual([socket.active, FakeSocket.all.length], [false, count], event);
  }
});

test("connect() from inside an event is a new connection", () => {
  const [socket, websocket] = startConnected();
  socket.on("disconnect", () => socket.connect());
  websocket.receive("41");
  assert.deepEqual(events, [["disconnect", "io server disconnect"]]);
  assert.equal(websocket.readyState, 2);
  FakeSocket.last.open();
  FakeSocket.last.receive('40{"sid":"t"}');
  assert.deepEqual(events.at(-1), ["connect", undefined]);
});

test("all sockets of a connection lose it in the same instant", () => {
  const [main, websocket] = startConnected();
  const custom = main.io.socket("/custom");
  websocket.receive('40/custom,{"sid":"u"}');
  record(custom, "disconnect");
  let reply;
  custom.on("q", (f) => (reply = f));
  websocket.receive('42/custom,7["q"]');
  let answer;
  main.on("disconnect", () => {
    assert.equal(custom.connected, false);
    custom.emit("a", (it) => (answer = it));
    reply("to nobody");
  });
  websocket.fail();
  assert.deepEqual(events.splice(0), [
    ["disconnect", "transport error"],
    ["disconnect", "transport error"],
  ]);
  mock.timers.tick(1_500);
  FakeSocket.last.open();
  FakeSocket.last.receive('40/custom,{"sid":"u"}');
  assert.equal(FakeSocket.last.sent.at(-1), '42/custom,0["a"]');
  FakeSocket.last.receive('43/custom,0["b"]');
  assert.equal(answer, "b");
});

test("a socket that leaves before it is accepted tells the server when it is", () => {
  const [socket, websocket] = startConnected();
  const custom = socket.io.socket("/custom");
  record(custom, "connect", "disconnect");
  custom.onAny(() => assert.fail("an event"));
  custom.disconnect();
  assert.deepEqual(websocket.sent.splice(0), ["40/custom,"]);
  websocket.receive('40/custom,{"sid":"u"}', '42/custom,["a"]');
  assert.deepEqual(websocket.sent, ["41/custom,"]);
  assert.deepEqual([events, custom.id], [[], undefined]);
});

test("a connection is closed if nobody else wants it when the server refuses a socket", () => {
  const [socket, websocket] = start();
  websocket.open();
  const custom = socket.io.socket("/custom");
  websocket.receive('44{"message":"no"}');
  assert.deepEqual([socket.active, websocket.readyState], [false, 1]);
  websocket.receive('44/custom,{"message":"nor here"}');
  assert.deepEqual([custom.active, websocket.readyState], [false, 2]);
  mock.timers.tick(3_600_000);
  assert.deepEqual([events, FakeSocket.all.length], [[["connect_error", "no"]], 1]);
});

test("a connection that ends before it is accepted is an error", () => {
  const [socket, websocket] = start();
  websocket.open();
  websocket.receive("1");
  assert.deepEqual(events, [["connect_error", "transport close"]]);
  assert.equal(socket.active, true);
});

test("auth that comes late is not for another connection", () => {
  const tell = [];
  const [socket, websocket] = start({ auth: (f) => tell.push(f) });
  websocket.open();
  websocket.fail();
  mock.timers.tick(1_500);
  FakeSocket.last.open();
  tell[0]({ of: "the first" });
  assert.deepEqual(FakeSocket.last.sent, []);
  tell[1]({ of: "the second" });
  assert.deepEqual(FakeSocket.last.sent, ['40{"of":"the second"}']);
  socket.disconnect();
  tell[1]({});
  assert.equal(FakeSocket.last.sent.length, 1);
});

test("an answer is for the connection that the question came on", () => {
  const [socket, websocket] = startConnected();
  let answer;
  socket.on("q", (f) => (answer = f));
  websocket.receive('423["q"]');
  websocket.fail();
  answer("nowhere to go");
  mock.timers.tick(1_500);
  FakeSocket.last.open();
  FakeSocket.last.receive('40{"sid":"t"}');
  answer("too late");
  assert.deepEqual(FakeSocket.last.sent, ["40"]);
});

test("a socket tells of reconnects itself, for pages that were written for 2.x", () => {
  const [socket, websocket] = startConnected({ reconnectionAttempts: 2 });
  record(socket, "reconnecting", "reconnect_attempt", "reconnect", "reconnect_error");
  record(socket, "reconnect_failed");
  socket.on("reconnect", () => socket.emit("login", "Ada"));
  websocket.fail();
  mock.timers.tick(1_500);
  FakeSocket.last.fail();
  mock.timers.tick(3_000);
  FakeSocket.last.open();
  FakeSocket.last.receive('40{"sid":"t"}');
  assert.deepEqual(FakeSocket.last.sent, ["40", '42["login","Ada"]']);
  assert.deepEqual(events.splice(0), [
    ["disconnect", "transport error"],
    ...[
      ["reconnect_attempt", 1],
      ["reconnecting", 1],
    ],
    ...[
      ["connect_error", "websocket error"],
      ["reconnect_error", "websocket error"],
    ],
    ...[
      ["reconnect_attempt", 2],
      ["reconnecting", 2],
      ["reconnect", 2],
    ],
    ["connect", undefined],
  ]);
  for (const wait of [0, 1_500, 3_000]) {
    mock.timers.tick(wait);
    FakeSocket.last.fail();
  }
  assert.deepEqual(events.splice(-1), [["reconnect_failed", undefined]]);
  socket.connect();
  FakeSocket.last.fail();
  mock.timers.tick(1_500);
  assert.deepEqual(events.slice(-2), [
    ["reconnect_attempt", 1],
    ["reconnecting", 1],
  ]);
});

test("without reconnection there is one attempt, and one event", () => {
  const [socket, websocket] = start({ reconnection: false });
  record(socket, "reconnect_error", "reconnect_failed");
  websocket.fail();
  mock.timers.tick(3_600_000);
  assert.deepEqual(events, [["connect_error", "websocket error"]]);
  assert.equal(FakeSocket.all.length, 1);
});

test("an answer in time is the only one", () => {
  const [socket, websocket] = startConnected();
  const got = [];
  socket.timeout(100).emit("a", (...args) => got.push(args));
  mock.timers.tick(99);
  websocket.receive("430[1]", "430[2]");
  mock.timers.tick(1);
  assert.deepEqual(got, [[null, 1]]);
});

test("off() of nothing is not off() of everything", () => {
  const [socket] = start();
  const hear = () => {};
  socket.on("a", hear);
  assert.deepEqual(socket.off("a", undefined).listeners("a"), [hear]);
});

test("what can't be sent is thrown, and waits for no answer", () => {
  const [socket, websocket] = startConnected();
  assert.throws(() => socket.emit("a", 1n, () => assert.fail("an answer")), TypeError);
  websocket.receive("430[]");
  socket.emit("b");
  assert.deepEqual(websocket.sent, ['42["b"]']);
});
