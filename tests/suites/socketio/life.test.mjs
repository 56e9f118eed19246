// What sleep, the network and the back/forward cache do to a page, and what its client makes of it.
//
//     npm ci && node --test

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { connect, createServer as createRelay } from "node:net";
import { describe, it, test } from "node:test";

import { Server } from "socket.io";
import { io as theirs } from "socket.io-client";

import { ours } from "./ours.mjs";
import { World, settled } from "./world.mjs";

const HOUR = 3_600_000;
const CLIENTS = ["our client", "socket.io-client"];

/** A socket on a connection of its own, whose events are recorded. */
function start(client, options, address = "http://a.test", page) {
  const world = new World(client, page);
  const socket = world.io(address, { transports: ["websocket"], ...options });
  const heard = [];
  for (const event of ["connect", "disconnect", "connect_error"]) {
    socket.on(event, (detail) => heard.push([event, detail?.message ?? detail]));
  }
  return { world, socket, heard };
}

async function accept(world) {
  world.last.accept();
  world.last.receive('40{"sid":"s"}');
  await settled();
  assert.equal(world.last.sent.shift(), "40");
}

async function startConnected(...args) {
  const it = start(...args);
  await accept(it.world);
  assert.deepEqual(it.heard.splice(0), [["connect", undefined]]);
  return it;
}

// ---- Sleep -------------------------------------------------------------------------------------

for (const client of CLIENTS) {
  describe(client, () => {
    it("keeps what is said after an hour asleep for the next connection", async () => {
      const { world, socket, heard } = await startConnected(client);
      const dead = world.last;
      world.sleep(HOUR);
      const answers = [];
      socket.emit("login", "Ada");
      socket.emit("ask", (answer) => answers.push(answer));
      socket.volatile.emit("move", 1);
      assert.deepEqual([dead.sent, socket.sendBuffer.length >= 2], [[], true]);
      await settled();
      assert.deepEqual(heard.splice(0), [["disconnect", "ping timeout"]]);
      assert.deepEqual([dead.readyState, socket.connected, socket.active], [2, false, true]);
      await world.tick(1_500);
      assert.notEqual(world.last, dead);
      await accept(world);
      assert.deepEqual(world.last.sent.slice(0, 2), ['42["login","Ada"]', '420["ask"]']);
      world.last.receive('430["yes"]');
      await settled();
      assert.deepEqual(answers, ["yes"]);
    });

    it("sends at once while the server is heard", async () => {
      const { world, socket } = await startConnected(client);
      for (let n = 0; n < 100; n++) {
        await world.tick(25_000);
        world.last.receive("2");
        await settled();
        socket.emit("a", n);
        await settled();
        assert.deepEqual(world.last.sent.splice(0), ["3", `42["a",${n}]`]);
      }
    });

    it("counts from the last ping to the millisecond", async () => {
      const { world, socket } = await startConnected(client);
      world.sleep(45_000);
      socket.emit("just in time");
      await settled();
      assert.deepEqual(world.last.sent.splice(0), ['42["just in time"]']);
      world.sleep(1);
      socket.emit("too late");
      assert.deepEqual([world.last.sent, socket.sendBuffer.length], [[], 1]);
    });

    it("takes a ping that has waited through the sleep for a sign of life", async () => {
      const { world, socket, heard } = await startConnected(client);
      world.sleep(HOUR);
      world.last.receive("2");
      socket.emit("a");
      await settled();
      assert.deepEqual([world.last.sent, heard], [["3", '42["a"]'], []]);
    });

    it("sends no more than was asked for when all sockets speak at once", async () => {
      const { world, socket } = await startConnected(client);
      const other = socket.io.socket("/other");
      world.last.receive('40/other,{"sid":"o"}');
      await settled();
      const dead = world.last;
      dead.sent.length = 0;
      world.sleep(HOUR);
      socket.emit("a");
      other.emit("b");
      socket.emit("c");
      await settled();
      await world.tick(1_500);
      world.last.accept();
      world.last.receive('40{"sid":"s"}', '40/other,{"sid":"o"}');
      await settled();
      const events = world.last.sent.filter((message) => message.startsWith("42"));
      assert.deepEqual([dead.sent, events.sort()], [[], ['42/other,["b"]', '42["a"]', '42["c"]']]);
    });
  });
}

test("a clock that is set back does not keep a dead connection", async () => {
  const { world, heard } = await startConnected("our client");
  world.sleep(-HOUR);
  await world.tick(45_000);
  assert.deepEqual(heard, [["disconnect", "ping timeout"]]);
});

test("a page that is looked at again finds a dead connection at once, and replaces it", async () => {
  for (const wake of ["visibilitychange", "online"]) {
    const { world, heard } = await startConnected("our client");
    world.sleep(HOUR);
    await world.dispatch(wake);
    assert.deepEqual(heard.splice(0), [["disconnect", "ping timeout"]], wake);
    await world.tick(0);
    await accept(world);
    assert.deepEqual([heard, world.sockets.length], [[["connect", undefined]], 2]);
  }
});

test("a page that is looked at again keeps a connection that lives", async () => {
  const { world, heard } = await startConnected("our client");
  for (const event of ["visibilitychange", "online"]) await world.dispatch(event);
  await world.tick(5_000);
  assert.deepEqual([heard, world.sockets.length], [[], 1]);
});

test("a page that is hidden does nothing", async () => {
  const { world, heard } = await startConnected("our client");
  world.global.document.visibilityState = "hidden";
  world.sleep(HOUR);
  await world.dispatch("visibilitychange");
  assert.deepEqual([heard, world.sockets.length], [[], 1]);
});

test("a close that comes just after the page woke is no failure of the server", async () => {
  const { world, heard } = await startConnected("our client");
  await world.dispatch("visibilitychange");
  world.now += 9;
  world.last.end();
  await world.tick(0);
  await accept(world);
  assert.deepEqual(heard, [["disconnect", "transport close"], ["connect", undefined]]);
  // If it fails again, it is the server's.
  world.last.end();
  await world.tick(0);
  world.last.fail();
  const count = world.sockets.length;
  await world.tick(999);
  assert.equal(world.sockets.length, count);
});

test("whoever waits to try again does so at once when the page wakes, once", async () => {
  for (const wake of ["visibilitychange", "online"]) {
    const { world, socket } = start("our client");
    const attempts = [];
    socket.io.on("reconnect_attempt", (n) => attempts.push(n));
    world.last.fail();
    await world.tick(100);
    assert.equal(world.sockets.length, 1);
    await world.dispatch(wake);
    assert.equal(world.sockets.length, 2);
    await world.dispatch(wake);
    await world.tick(2_000);
    assert.deepEqual([world.sockets.length, attempts], [2, [1]], "the attempt is on its way");
    world.last.fail();
    await world.tick(499);
    assert.equal(world.sockets.length, 2, "the server fails, so there is a wait");
  }
});

test("a page that has disconnected is left alone by all that wakes it", async () => {
  const { world, socket } = await startConnected("our client");
  socket.disconnect();
  world.sleep(HOUR);
  for (const event of ["visibilitychange", "online", "offline", "pagehide", "pageshow"]) {
    await world.dispatch(event, { persisted: true });
  }
  await world.tick(HOUR);
  assert.equal(world.sockets.length, 1);
});

// ---- The network -------------------------------------------------------------------------------

for (const client of CLIENTS) {
  test(`${client}: a network that is gone ends a connection`, async () => {
    const { world, socket, heard } = await startConnected(client);
    socket.on("disconnect", (reason, { description }) => heard.push(description));
    await world.dispatch("offline");
    const gone = ["disconnect", "transport close"];
    assert.deepEqual(heard, [gone, "network connection lost"]);
    assert.equal(world.last.readyState, 2);
    socket.emit("login", "Ada");
    await world.tick(1_500);
    await accept(world);
    assert.deepEqual(world.last.sent, ['42["login","Ada"]']);
  });

  test(`${client}: and not one to this machine`, async () => {
    const { world, heard } = await startConnected(client, {}, "http://localhost:3000");
    await world.dispatch("offline");
    assert.deepEqual([heard, world.last.readyState], [[], 1]);
  });
}

test("this machine has other names too", async () => {
  for (const [host, isLocal] of [
    ["127.0.0.1", true],
    ["127.8.9.10:3000", true],
    ["[::1]:3000", true],
    ["LOCALHOST", true],
    ["localhost.example", false],
    ["127.example", false],
    ["[::2]", false],
  ]) {
    const { world } = await startConnected("our client", {}, `http://${host}`);
    await world.dispatch("offline");
    assert.equal(world.last.readyState, isLocal ? 1 : 2, host);
  }
});

test("the network is back: at once, without a wait", async () => {
  const { world } = await startConnected("our client");
  await world.dispatch("offline");
  assert.equal(world.sockets.length, 1);
  await world.dispatch("online");
  assert.equal(world.sockets.length, 2);
});

// ---- The back/forward cache --------------------------------------------------------------------

test("a page that is put away leaves at once, and is back at once", async () => {
  const { world, socket, heard } = await startConnected("our client");
  socket.on("connect", () => socket.emit("login", "Ada"));
  await world.dispatch("pagehide", { persisted: true });
  assert.equal(world.last.readyState, 2, "closed, so that others see it");
  assert.deepEqual(heard.splice(0), [["disconnect", "transport close"]]);
  await world.tick(HOUR);
  assert.equal(world.sockets.length, 1, "and no attempts meanwhile");
  await world.dispatch("pageshow", { persisted: true });
  assert.equal(world.sockets.length, 2);
  await accept(world);
  assert.deepEqual([heard, world.last.sent], [[["connect", undefined]], ['42["login","Ada"]']]);
});

test("however often, and the waits grow no longer", async () => {
  const { world } = await startConnected("our client");
  for (let round = 1; round <= 20; round++) {
    await world.dispatch("pagehide", { persisted: true });
    await world.dispatch("pageshow", { persisted: true });
    assert.equal(world.sockets.length, round + 1);
    await accept(world);
  }
});

test("what is said while the page is put away is sent when it is back", async () => {
  const { world, socket } = await startConnected("our client");
  await world.dispatch("pagehide", { persisted: true });
  socket.emit("logout");
  await world.dispatch("pageshow", { persisted: true });
  await accept(world);
  assert.deepEqual(world.last.sent, ['42["logout"]']);
});

test("a page that connects, or waits to, is put away and back too", async () => {
  const { world, heard } = start("our client");
  await world.dispatch("pagehide", { persisted: true });
  assert.equal(world.last.readyState, 2);
  await world.tick(HOUR);
  assert.equal(world.sockets.length, 1);
  await world.dispatch("pageshow", { persisted: true });
  world.last.fail();
  await world.dispatch("pagehide", { persisted: true });
  await world.tick(HOUR);
  assert.equal(world.sockets.length, 2);
  await world.dispatch("pageshow", { persisted: true });
  heard.length = 0;
  await accept(world);
  assert.deepEqual([world.sockets.length, heard], [3, [["connect", undefined]]]);
});

test("a page that goes for good is the browser's to close, and hears nothing", async () => {
  const { world, socket, heard } = await startConnected("our client");
  await world.dispatch("beforeunload");
  await world.dispatch("pagehide", { persisted: false });
  socket.emit("bye");
  assert.deepEqual([heard, world.last.sent, world.last.readyState], [[], ['42["bye"]'], 1]);
});

test("a page that is shown for the first time has not been away, and its waits are waits", async () => {
  const { world } = start("our client");
  world.last.fail();
  await world.dispatch("pageshow", { persisted: false });
  await world.tick(499);
  assert.equal(world.sockets.length, 1);
});

test("a page that must not reconnect is back all the same: its connection has not failed", async () => {
  const { world, heard } = await startConnected("our client", { reconnection: false });
  await world.dispatch("pagehide", { persisted: true });
  await world.tick(HOUR);
  await world.dispatch("pageshow", { persisted: true });
  await accept(world);
  heard.length = 0;
  world.last.end();
  await world.tick(HOUR);
  assert.deepEqual([heard, world.sockets.length], [[["disconnect", "transport close"]], 2]);
});

test("a page that disconnects when it is put away stays so", async () => {
  const { world, socket } = await startConnected("our client");
  socket.on("disconnect", () => socket.disconnect());
  await world.dispatch("pagehide", { persisted: true });
  await world.dispatch("pageshow", { persisted: true });
  await world.tick(HOUR);
  assert.equal(world.sockets.length, 1);
});

test("all connections of a page are put away, whatever a listener throws", async () => {
  const { world, socket } = await startConnected("our client");
  const thrown = [];
  world.global.queueMicrotask = (act) => {
    try {
      act();
    } catch (error) {
      thrown.push(error.message);
    }
  };
  socket.on("disconnect", () => {
    throw new Error("of the page");
  });
  const others = ["http://b.test", "http://c.test"].map((address) => world.io(address));
  for (const websocket of world.sockets.slice(1)) {
    websocket.accept();
    websocket.receive('40{"sid":"s"}');
  }
  assert.deepEqual([others.map((other) => other.connected), thrown], [[true, true], []]);
  await world.dispatch("pagehide", { persisted: true });
  assert.deepEqual(world.sockets.map((websocket) => websocket.readyState), [2, 2, 2]);
  assert.deepEqual(thrown, ["of the page"]);
  await world.dispatch("pageshow", { persisted: true });
  assert.equal(world.sockets.length, 6);
});

// ---- A relay that falls silent -----------------------------------------------------------------

/** What an event is called with, the next time. */
const next = (emitter, event) =>
  new Promise((resolve) => emitter.once(event, (...details) => resolve(details)));

for (const [name, io] of Object.entries({ "our client": ours, "socket.io-client": theirs })) {
  test(`${name}: what is said to a link that fell silent comes by the next`, { timeout: 10_000 }, async (t) => {
    const http = createServer();
    const server = new Server(http, { transports: ["websocket"], pingInterval: 200, pingTimeout: 100 });
    http.listen(0, "127.0.0.1");
    await once(http, "listening");
    let isSilent = false;
    const links = [];
    const relay = createRelay((near) => {
      const far = connect(http.address().port, "127.0.0.1");
      const wasSilent = () => isSilent && links[0] === near;
      links.push(near, far);
      near.on("data", (bytes) => wasSilent() || far.write(bytes)).on("error", () => {});
      far.on("data", (bytes) => wasSilent() || near.write(bytes)).on("error", () => {});
      near.on("close", () => wasSilent() || far.destroy());
      far.on("close", () => wasSilent() || near.destroy());
    }).listen(0, "127.0.0.1");
    await once(relay, "listening");
    t.after(() => {
      server.close();
      relay.close();
      links.forEach((link) => link.destroy());
    });

    const heard = [];
    server.on("connection", (peer) => peer.on("login", (...args) => heard.push(args)));
    const socket = io(`http://127.0.0.1:${relay.address().port}`, {
      ...{ transports: ["websocket"], forceNew: true, reconnectionDelay: 5 },
      randomizationFactor: 0,
    });
    t.after(() => socket.disconnect());
    await next(socket, "connect");
    isSilent = true;
    await new Promise(setImmediate); // what was on its way
    const start = Date.now();
    // The process sleeps for longer than the server may be silent; timers have not run when it wakes.
    while (Date.now() - start < 400);
    socket.emit("login", "Ada");
    const [reason] = await next(socket, "disconnect");
    assert.equal(reason, "ping timeout");
    await next(socket, "connect");
    while (heard.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    assert.deepEqual(heard, [["Ada"]]);
  });
}
