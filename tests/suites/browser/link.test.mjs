// www/headcount.js and links that die: silence, sleep, the back/forward cache, the network.

import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";

import { connect } from "../../../www/headcount.js";
import { FakePage, FakeSocket } from "./fakes.mjs";

const HOUR = 3_600_000;
let page;
let room;
let states;

// A room that is open. Without a page around it, it is one in Node.
function start({ in_page = true } = {}) {
  if (in_page) page = new FakePage().install();
  room = connect("ws://test/ws", { WebSocket: FakeSocket });
  states = [];
  room.on("state", (state) => states.push(state));
  return opened();
}

// Lets the last attempt succeed.
function opened(names = ["Ada"]) {
  const socket = FakeSocket.last;
  socket.open();
  socket.receive("roster", { seq: 1, names });
  return socket;
}

// The machine sleeps: time passes, and no timer runs.
function sleep(ms) {
  mock.timers.setTime(Date.now() + ms);
}

const tick = (ms) => mock.timers.tick(ms);
const attempts = () => FakeSocket.all.length;

beforeEach(() => {
  FakeSocket.reset();
  mock.timers.enable({ apis: ["setTimeout", "Date"] });
  mock.method(Math, "random", () => 1); // the longest wait there can be
});

afterEach(() => {
  room?.close();
  FakePage.remove();
  mock.timers.reset();
  mock.restoreAll();
});

// ---- Silence -----------------------------------------------------------------------------------

for (const [place, in_page] of [
  ["a visible page", true],
  ["Node or a worker", false],
]) {
  test(`${place}: a link that is silent for 30 s is asked, and dead 10 s later`, () => {
    const socket = start({ in_page });
    tick(29_999);
    assert.equal(socket.pings, 0);
    tick(1);
    assert.equal(socket.pings, 1);
    tick(9_999);
    assert.equal(room.state, "open");
    tick(1);
    assert.equal(room.state, "waiting");
    assert.equal(socket.closes, 1);
    assert.deepEqual(room.names, ["Ada"], "the last known names stay");
    tick(5_000);
    assert.equal(attempts(), 2);
  });
}

test("anything that is heard shows that the link is alive", () => {
  const socket = start();
  tick(20_000);
  socket.receive("change", { seq: 2, joined: ["Bob"], left: [] });
  tick(29_999);
  assert.equal(socket.pings, 0);
  tick(1);
  socket.receive("change", { seq: 3, joined: [], left: ["Bob"] }); // instead of a pong
  tick(29_999);
  assert.equal(socket.pings, 1);
  tick(1);
  assert.equal(socket.pings, 2, "and the pong that is still owed does not end the asking");
  tick(10_000);
  assert.equal(room.state, "waiting");
});

test("an answered link stays for as long as it likes", () => {
  const socket = start();
  for (let minute = 0; minute < 60; minute++) {
    tick(30_000);
    socket.pong();
    tick(30_000);
    socket.pong();
  }
  assert.equal(socket.pings, 120);
  assert.equal(attempts(), 1);
});

test("clients that heard the same thing do not all ask in the same instant", () => {
  Math.random.mock.mockImplementation(() => 0);
  const socket = start();
  tick(25_000);
  assert.equal(socket.pings, 1);
});

test("a hidden page asks nothing, and once it is seen again at once", () => {
  const socket = start();
  page.hide();
  for (let minute = 0; minute < 60; minute++) tick(60_000);
  assert.equal(socket.pings, 0);
  assert.equal(attempts(), 1, "a link that is silent because nothing happens is not given up");
  page.show();
  assert.equal(socket.pings, 1);
  tick(9_999);
  assert.equal(room.state, "open");
  tick(1);
  assert.equal(room.state, "connecting", "at once: the reader has waited enough");
  assert.equal(attempts(), 2);
});

test("`visible`, `pageshow` and `online` together are one question", () => {
  const socket = start();
  page.hide();
  page.comeBack();
  page.tell("online");
  assert.equal(socket.pings, 1);
  socket.pong();
  page.tell("online");
  assert.equal(socket.pings, 2);
});

test("the first `pageshow` of a page is no return", () => {
  const socket = start();
  page.dispatchEvent(Object.assign(new Event("pageshow"), { persisted: false }));
  assert.equal(socket.pings, 0);
  assert.equal(attempts(), 1);
});

for (const [what, other] of [
  ["the number of another commit", { seq: 2 }],
  ["another digest", { seq: 1, digest: "00000000000000aa" }],
]) {
  test(`a pong with ${what} is answered with a request for the roster`, () => {
    const socket = start();
    tick(30_000);
    socket.receive("pong", other);
    assert.deepEqual(socket.sent, [["enter", { view: "changes", room: "", at: null }]]);
    assert.equal(room.seq, 1);
    assert.equal(attempts(), 1);
  });
}

test("a server that opens and says nothing is given up, each time with more patience", () => {
  start().fail();
  room.login("Eve");
  tick(5_000);
  for (const within of [20_000, 40_000, 80_000, 80_000]) {
    FakeSocket.last.open();
    tick(within - 1);
    assert.equal(room.state, "connecting");
    tick(1);
    assert.equal(room.state, "waiting");
    tick(60_000);
  }
});

// ---- Requests ----------------------------------------------------------------------------------

for (const [what, request, again] of [
  ["login", () => room.login("Eve"), [["login", "Eve"]]],
  ["logout", () => room.logout(), []],
]) {
  test(`a ${what} that a dead link took is done on the next`, () => {
    const dead = start();
    room.login("Ada");
    dead.ok();
    request();
    tick(9_999);
    assert.equal(room.state, "open");
    tick(1);
    assert.equal(room.state, "waiting", "no answer: that is a failure, and no endless wait");
    tick(5_000);
    FakeSocket.last.open();
    assert.deepEqual(FakeSocket.last.sent, again);
  });
}

test("what others do is no answer: a link that only brings is dead too", () => {
  const socket = start();
  room.login("Eve");
  for (let seq = 2; seq < 12; seq++) {
    socket.receive("change", { seq, joined: [`${seq}`], left: [] });
    tick(1_000);
  }
  assert.equal(room.state, "waiting");
});

test("a login that is sent before the roster is answered after it", () => {
  start({ in_page: false });
  room.reconnect();
  room.login("Eve");
  FakeSocket.last.open();
  tick(9_000); // the roster is long, and the pong comes behind it
  FakeSocket.last.receive("roster", { seq: 1, names: [] });
  tick(9_999);
  assert.equal(room.state, "open");
  tick(1);
  assert.equal(room.state, "waiting");
});

test("there is one request at a time, and of the wishes meanwhile only the last is sent", () => {
  const socket = start();
  for (const name of ["A", "B", "C"]) room.login(name);
  assert.deepEqual(socket.sent, [["login", "A"]]);
  assert.equal(room.name, "C");
  socket.ok();
  assert.deepEqual(socket.sent, [["login", "A"], ["login", "C"]]);
  socket.ok();
  assert.equal(socket.pings, 0);
  for (let i = 0; i < 1_000; i++) room.login(`${i}`);
  assert.equal(socket.sent.length, 3, "nor can a page flood the server");
});

test("a pong is not the answer to a request", () => {
  const socket = start();
  tick(30_000);
  for (const name of ["A", "B"]) room.login(name);
  socket.pong();
  assert.deepEqual(socket.sent, [["login", "A"]]);
  tick(10_000);
  assert.equal(room.state, "waiting");
});

test("a refusal is that of one request", () => {
  const socket = start();
  room.login("\u202E");
  socket.refuse("name_invalid");
  room.login("Eve");
  socket.ok();
  room.login("\u202E");
  socket.refuse("name_invalid");
  assert.equal(room.name, "Eve");
});

test("a pong that shows a wrong copy leaves what is asked for", () => {
  const socket = start();
  for (const name of ["A", "B"]) room.login(name);
  socket.pong(7);
  socket.ok();
  socket.ok();
  assert.deepEqual(socket.sent, [
    ["login", "A"],
    ["enter", { view: "changes", room: "", at: null }],
    ["login", "B"],
  ]);
});

test("a refusal of an older wish leaves the newer one", () => {
  const socket = start();
  const refused = [];
  room.on("error", ({ code }) => refused.push(code));
  room.login("\u202E");
  room.login("Eve");
  socket.refuse("name_invalid");
  assert.deepEqual(refused, ["name_invalid"]);
  assert.equal(room.name, "Eve");
  assert.deepEqual(socket.sent.at(-1), ["login", "Eve"]);
  socket.refuse("rate_limited");
  assert.equal(room.name, null);
  assert.equal(socket.sent.length, 2);
});

test("an error that belongs to no request is told, and undoes none", () => {
  const socket = start();
  const refused = [];
  room.on("error", ({ code }) => refused.push(code));
  socket.receive("error", { code: "of_later", message: "" });
  room.login("Eve");
  socket.receive("error", { id: "of another", code: "of_later", message: "" });
  socket.ok();
  assert.equal(room.name, "Eve");
  assert.deepEqual(refused, ["of_later", "of_later"]);
});

test("after a burst a page asks four times a second, however quick the answers", () => {
  const socket = start();
  const flood = () => {
    for (let i = 0; i < 100; i++) {
      room.login(`${i}`);
      if (socket.asked.length > 0) socket.ok();
    }
  };
  flood();
  assert.equal(socket.sent.length, 30);
  for (let second = 1; second <= 3; second++) {
    for (let quarter = 0; quarter < 4; quarter++) {
      tick(250);
      if (socket.asked.length > 0) socket.ok();
      flood();
    }
    assert.equal(socket.sent.length, 30 + 4 * second);
  }
  room.logout();
  tick(250);
  assert.deepEqual(socket.sent.at(-1), ["logout"], "the last wish is not lost");
  socket.ok();
  for (let quarter = 0; quarter < 40; quarter++) tick(250);
  const before = socket.sent.length;
  flood();
  assert.equal(socket.sent.length, before + 30, "and after a while there may be a burst again");
});

// ---- Sleep -------------------------------------------------------------------------------------

test("a hidden page whose timers are late was not asleep", () => {
  const socket = start();
  page.hide();
  sleep(80_000);
  page.show();
  room.login("Eve");
  assert.deepEqual(socket.sent, [["login", "Eve"]]);
});

for (const hidden of [false, true]) {
  test(`after an hour asleep a ${hidden ? "hidden" : "visible"} page trusts no link`, () => {
    const dead = start();
    if (hidden) page.hide();
    sleep(HOUR);
    room.login("Eve");
    assert.deepEqual(dead.sent, []);
    assert.equal(dead.closes, 1);
    assert.equal(attempts(), 2);
    FakeSocket.last.open();
    assert.deepEqual(FakeSocket.last.sent, [["login", "Eve"]]);
  });

  test(`after an hour asleep a ${hidden ? "hidden" : "visible"} page connects anew at once`, () => {
    start();
    if (hidden) page.hide();
    sleep(HOUR);
    if (hidden) page.show();
    else tick(0); // the timer that is overdue
    assert.equal(attempts(), 2);
    assert.equal(room.state, "connecting");
  });
}

test("an hour asleep is an hour without failures", () => {
  start();
  for (let night = 0; night < 10; night++) {
    sleep(HOUR);
    page.tell("online");
    opened();
  }
  FakeSocket.last.fail();
  tick(5_000);
  assert.equal(room.state, "connecting", "the first failure, with the first wait");
});

test("a clock that is set back disturbs nothing", () => {
  const socket = start();
  mock.method(Date, "now", () => 0);
  room.login("Eve");
  assert.deepEqual(socket.sent, [["login", "Eve"]]);
});

// ---- Leaving and returning ---------------------------------------------------------------------

test("a page that is left is disconnected at once, and back as soon as it is shown", () => {
  const socket = start();
  room.login("Ada");
  socket.ok();
  page.leave();
  assert.equal(socket.closes, 1);
  tick(HOUR);
  assert.equal(attempts(), 1, "nothing is tried meanwhile");
  page.comeBack();
  assert.equal(attempts(), 2);
  opened();
  assert.equal(room.state, "open");
  assert.deepEqual(FakeSocket.last.sent, [["login", "Ada"]]);
});

test("returns do not make the next wait longer", () => {
  start();
  for (let round = 0; round < 10; round++) {
    page.leave();
    page.comeBack();
    opened();
  }
  FakeSocket.last.fail();
  tick(5_000);
  assert.equal(room.state, "connecting");
});

test("the news that a link is dead comes after the return, and is acted on at once", () => {
  const socket = start();
  page.hide();
  tick(60_000);
  page.show();
  tick(9);
  socket.fail();
  assert.equal(room.state, "connecting");
  assert.equal(attempts(), 2);
  assert.ok(!states.includes("waiting"));
  FakeSocket.last.fail();
  assert.equal(room.state, "waiting", "but not again and again");
});

test("once something was heard after a return, an end is one like any other", () => {
  const socket = start();
  page.tell("online");
  socket.pong();
  socket.fail();
  assert.equal(room.state, "waiting");
});

test("an attempt from before the return is given up, one from just now is not", () => {
  const first = start();
  first.fail();
  tick(5_000);
  tick(2_001);
  page.tell("online");
  assert.equal(attempts(), 3);
  page.tell("online");
  assert.equal(attempts(), 3);
  FakeSocket.last.fail();
  assert.equal(attempts(), 4, "and if that one fails, it is repeated once");
});

for (const [what, returns] of [
  ["online", () => page.tell("online")],
  ["visible", () => page.show()],
  ["pageshow", () => page.comeBack()],
]) {
  test(`${what} ends a wait`, () => {
    start().fail();
    assert.equal(room.state, "waiting");
    returns();
    assert.equal(room.state, "connecting");
    tick(5_000);
    assert.equal(attempts(), 2, "which leaves no second attempt behind");
  });
}

test("close() ends the listening to the page", () => {
  start();
  room.close();
  page.hide();
  page.comeBack();
  page.tell("online");
  page.leave();
  assert.equal(room.state, "closed");
  assert.equal(attempts(), 1);
});

// ---- What the server asks for ------------------------------------------------------------------

for (const [what, ask, least] of [
  ["closes with 1013, try again later", (socket) => socket.fail(1013), 5_000],
  ["closes with 1008, too much", (socket) => socket.fail(1008), 5_000],
]) {
  test(`a server that ${what} is spared, even by those who return`, () => {
    Math.random.mock.mockImplementation(() => 0);
    ask(start());
    page.tell("online");
    assert.equal(room.state, "waiting");
    tick(least);
    assert.equal(room.state, "waiting");
    tick(500);
    assert.equal(room.state, "connecting");
  });
}

test("a server that is about to close is met again within the time that it says", () => {
  for (const [random, after] of [
    [0, 500],
    [0.5, 10_250],
    [1, 20_000],
  ]) {
    Math.random.mock.mockImplementation(() => random);
    const socket = start();
    socket.receive("bye", { retry_ms: 20_000 });
    socket.fail(1001);
    tick(after - 1);
    page.tell("online");
    assert.equal(room.state, "waiting", "even by those who return");
    tick(1);
    assert.equal(room.state, "connecting");
    room.close();
  }
});

test("a page that is left and shown again meanwhile comes back then, and not before", () => {
  const socket = start();
  socket.receive("bye", { retry_ms: 20_000 });
  socket.fail(1001);
  tick(5_000);
  page.leave();
  tick(5_000);
  page.comeBack();
  tick(9_999);
  assert.equal(attempts(), 1);
  tick(1);
  assert.equal(attempts(), 2);
});

test("to be closed after a word is no failure, and the next attempt has the waits of any", () => {
  const socket = start();
  socket.receive("bye", { retry_ms: 20_000 });
  socket.fail(1001);
  tick(20_000);
  FakeSocket.last.fail();
  tick(5_000);
  assert.equal(attempts(), 3);
});

for (const retry_ms of [1e12, Infinity, -1, NaN, "soon", undefined]) {
  test(`a server that says ${retry_ms} is tried again all the same`, () => {
    const socket = start();
    socket.receive("bye", { retry_ms });
    socket.fail();
    assert.equal(room.state, "waiting");
    tick(499);
    assert.equal(attempts(), 1, "and not at once");
    tick(605_000);
    assert.ok(attempts() > 1);
  });
}

// ---- Where it runs -----------------------------------------------------------------------------

test("without a WebSocket it says why, and what to do", () => {
  assert.throws(() => connect("ws://test/ws", { WebSocket: undefined }), {
    name: "TypeError",
    message: /Node .* 22.*\{ WebSocket \}/,
  });
});

test("without a page, an address that needs one is refused in words", () => {
  for (const url of [undefined, "/ws", "file:///ws", "mailto:a@b", "nonsense:"]) {
    assert.throws(() => connect(url, { WebSocket: FakeSocket }), {
      name: "TypeError",
      message: /leads to no server.*wss:/,
    });
  }
});

for (const [what, location, url] of [
  ["a worker", "http://test/a/worker.js", "ws://test/ws"],
  ["a worker made from a blob", "blob:http://test/0b5c", "ws://test/ws"],
]) {
  test(`${what} knows its server`, () => {
    globalThis.location = Object.assign(new URL(location));
    for (const given of ["/ws", undefined]) {
      room = connect(given, { WebSocket: FakeSocket });
      assert.equal(FakeSocket.last.url, url);
      room.close();
    }
    delete globalThis.location;
  });
}

test("a fragment, which a WebSocket may refuse, is left out", () => {
  room = connect("https://test/ws?room=1#top", { WebSocket: FakeSocket });
  assert.equal(FakeSocket.last.url, "wss://test/ws?room=1");
});
