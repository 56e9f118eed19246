// Whether our client has what socket.io's own has: each member and each option that the official
// TypeScript definitions know, or docs/socketio.md says that and why it is not there.
//
//     npm ci && node --test

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it, test } from "node:test";

import { World, settled } from "./world.mjs";

const read = (path) => readFileSync(new URL(path, import.meta.url), "utf8");
const definitions = {
  Manager: read("node_modules/socket.io-client/build/esm/manager.d.ts"),
  Socket: read("node_modules/socket.io-client/build/esm/socket.d.ts"),
  Engine: read("node_modules/engine.io-client/build/esm/socket.d.ts"),
  Transport: read("node_modules/engine.io-client/build/esm/transport.d.ts"),
  Emitter: read("node_modules/@socket.io/component-emitter/lib/esm/index.d.ts"),
};
const docs = read("../../../docs/socketio.md");

/** What stands in the first column of the table under a heading of the documentation. */
function listed(heading) {
  const [, section] = docs.split(`### ${heading}\n`);
  const rows = section.split(/\n#/)[0].split("\n").filter((line) => line.startsWith("| `"));
  return rows.flatMap((row) => [...row.split(" | ")[0].matchAll(/`([^`]+)`/g)].map(([, name]) => name));
}

const EXCEPTIONS = listed("Members that are missing");
const IDLE_OPTIONS = listed("Options that have no effect");

/** The members of a declared class or interface, but for those that are private or protected. */
function members(source, declaration) {
  const text = source.replace(/\/\*[^]*?\*\//g, "");
  const start = text.search(new RegExp(`(class|interface) ${declaration}\\b`));
  assert.ok(start >= 0, declaration);
  const body = text.slice(start, text.indexOf("\n}", start) + 1);
  const names = new Set();
  for (const [, modifiers, name] of body.matchAll(
    /^ {4}((?:(?:private|protected|static|readonly|abstract|get|set) )*)([A-Za-z_]\w*)[?]?[(:<;]/gm,
  )) {
    if (/private|protected/.test(modifiers) || name === "constructor") continue;
    names.add(`${/static/.test(modifiers) ? "static " : ""}${name}`);
  }
  return [...names];
}

/** One of each thing, connected. */
async function live(client) {
  const world = new World(client, { location: new URL("http://page.test/") });
  const socket = world.io("/n", { transports: ["websocket"], auth: { a: 1 } });
  world.last.accept();
  world.last.receive('40/n,{"sid":"s"}');
  await settled();
  assert.equal(socket.connected, true);
  const engine = socket.io.engine;
  return { Manager: socket.io, Socket: socket, Engine: engine, Transport: engine.transport, Emitter: socket };
}

// What is not so is false, or not there.
const kind = (value) => (Array.isArray(value) ? "list" : typeof (value ?? false));

test("the parser of definitions finds what is known to be there", () => {
  const found = (of, declaration) => members(definitions[of], declaration ?? of);
  assert.ok(found("Socket").length >= 24, found("Socket").join());
  for (const name of ["connected", "active", "emitWithAck", "volatile", "listenersAnyOutgoing"]) {
    assert.ok(found("Socket").includes(name), name);
  }
  assert.ok(!found("Socket").includes("subs"));
  assert.ok(found("Manager").includes("reconnectionDelayMax"));
  assert.ok(found("Engine", "Socket").includes("static priorWebsocketSuccess"));
  assert.ok(found("Emitter").includes("hasListeners"));
  assert.deepEqual(EXCEPTIONS, ["Engine._cookieJar"]);
  assert.ok(IDLE_OPTIONS.length > 10);
});

for (const of of Object.keys(definitions)) {
  test(`each member of ${of} is there, of the same kind`, async () => {
    const [ours, theirs] = [(await live("our client"))[of], (await live("socket.io-client"))[of]];
    for (const member of members(definitions[of], of === "Engine" ? "Socket" : of)) {
      const [name, isStatic] = [member.replace("static ", ""), member.startsWith("static")];
      const [mine, other] = [ours, theirs].map((it) => (isStatic ? it.constructor : it)[name]);
      if (EXCEPTIONS.includes(`${of}.${name}`)) assert.equal(mine, undefined, `${member} is there`);
      else assert.equal(kind(mine), kind(other), member);
    }
  });
}

test("private members that pages are known to reach for", async () => {
  const { Manager, Socket, Engine } = await live("our client");
  assert.deepEqual([Socket.nsp, Object.keys(Manager.nsps)], ["/n", ["/n"]]);
  assert.equal(typeof Manager.disconnect, "function");
  assert.deepEqual([Engine.hostname, Engine.port, Engine.secure], ["page.test", "80", false]);
});

test("each option has an effect, or the documentation says why it has none", () => {
  const options = [
    ...members(definitions.Manager, "ManagerOptions"),
    ...members(definitions.Socket, "SocketOptions"),
    ...members(definitions.Engine, "SocketOptions"),
  ];
  assert.ok(options.length > 40);
  const source = read("../../../www/socket.io.js");
  const code = source.slice(source.indexOf("*/"));
  for (const option of options) {
    const isUsed = new RegExp(
      `\\bopt(ion)?s\\??\\.${option}\\b|[{ ]${option}[, }][^\\n]*\\} = this\\.opts|addressIn\\(\\{[^}]*\\b${option}\\b`,
    ).test(code);
    assert.notEqual(isUsed, IDLE_OPTIONS.includes(option), option);
  }
});

test("the script defines io, and io has what socket.io's has", () => {
  const [ours, theirs] = ["our client", "socket.io-client"].map((client) => new World(client).io);
  for (const name of Object.keys(theirs)) assert.equal(typeof ours[name], typeof theirs[name], name);
  assert.equal(ours.io, ours);
  assert.equal(ours.connect, ours);
});

// ---- What the options and getters do, beside socket.io's client ----------------------------------

for (const client of ["our client", "socket.io-client"]) {
  describe(client, () => {
    const start = (options, address = "http://a.test") => {
      const world = new World(client);
      return { world, socket: world.io(address, { transports: ["websocket"], ...options }) };
    };
    const accept = async ({ world }) => {
      world.last.accept();
      world.last.receive('40{"sid":"s"}');
      await settled();
      world.last.sent.length = 0;
    };

    it("settings that a manager takes from options, and tells", () => {
      const names = ["reconnection", "reconnectionAttempts", "reconnectionDelay"];
      names.push("reconnectionDelayMax", "randomizationFactor", "timeout");
      const tell = ({ socket }) => names.map((name) => socket.io[name]());
      assert.deepEqual(tell(start()), [true, Infinity, 1_000, 5_000, 0.5, 20_000]);
      const zeros = Object.fromEntries(names.map((name) => [name, 0]));
      assert.deepEqual(tell(start({ ...zeros, timeout: 5 })), [true, Infinity, 1_000, 5_000, 0, 5]);
      assert.deepEqual(tell(start({ reconnection: false }))[0], false);
      const { socket } = start();
      for (const name of names) assert.equal(socket.io[name](name === "reconnection" ? false : 7), socket.io);
      assert.deepEqual(tell({ socket }), [false, 7, 7, 7, 7, 7]);
    });

    it("an attempt without a limit of time", async () => {
      const { world, socket } = start({ timeout: false });
      socket.on("connect_error", () => assert.fail("an error"));
      await world.tick(3_600_000);
      assert.equal(world.sockets.length, 1);
    });

    it("a manager connects by itself, unless told not to; open() is told how it went", async () => {
      const world = new World(client);
      const manager = new world.io.Manager("http://a.test", { transports: ["websocket"], autoConnect: false });
      assert.deepEqual([world.sockets.length, manager._readyState], [0, "closed"]);
      const socket = manager.socket("/");
      assert.deepEqual([socket.active, world.sockets.length], [false, 0]);
      const told = [];
      manager.on("reconnect_attempt", () => assert.fail("another attempt"));
      manager.open((error) => told.push(error?.message));
      assert.equal(manager._readyState, "opening");
      world.last.fail();
      await settled();
      assert.deepEqual(told, ["websocket error"]);
      await world.tick(60_000);
      assert.equal(world.sockets.length, 1, "who asks to be told decides himself");
      manager.connect((error) => told.push(error));
      world.last.accept();
      await settled();
      assert.deepEqual([told, manager._readyState], [["websocket error", undefined], "open"]);
      new world.io.Manager("http://b.test", { transports: ["websocket"] });
      assert.equal(world.last.url, "ws://b.test/socket.io/?EIO=4&transport=websocket");
    });

    it("listeners to all events, in and out, in the order that was asked for", async () => {
      const it = start();
      const { world, socket } = it;
      const heard = [];
      const hear = (name) => (...args) => heard.push([name, ...args]);
      const [a, b, c, d] = ["a", "b", "c", "d"].map(hear);
      assert.equal(socket.onAny(a).prependAny(b).onAnyOutgoing(c).prependAnyOutgoing(d), socket);
      assert.deepEqual([...socket.listenersAny()], [b, a]);
      assert.deepEqual([...socket.listenersAnyOutgoing()], [d, c]);
      socket.emit("early", 1);
      assert.deepEqual(heard, []);
      await accept(it);
      assert.deepEqual(heard.splice(0), [["d", "early", 1], ["c", "early", 1]]);
      world.last.receive('42["in",2]');
      await settled();
      assert.deepEqual(heard.splice(0), [["b", "in", 2], ["a", "in", 2]]);
      socket.emit("out", 3, () => {});
      assert.deepEqual(heard.splice(0), [["d", "out", 3], ["c", "out", 3]]);
      socket.volatile.emit("volatile", 4);
      socket.offAny(b).offAnyOutgoing(d);
      world.last.receive('42["in"]');
      await settled();
      heard.length = 0;
      socket.emit("out");
      assert.deepEqual(heard.splice(0), [["c", "out"]]);
      socket.listenersAnyOutgoing().length = 0;
      socket.emit("out");
      socket.offAny().offAnyOutgoing();
      world.last.receive('42["in"]');
      await settled();
      const left = [...socket.listenersAny(), ...socket.listenersAnyOutgoing()];
      assert.deepEqual([heard, left], [[], []]);
    });

    it("what waits to be sent is in sendBuffer, and a page may throw it away", async () => {
      const it = start();
      const { world, socket } = it;
      assert.equal(socket.compress(false).emit("a", 1), socket);
      socket.emit("b", () => {});
      assert.deepEqual(
        [...socket.sendBuffer].map(({ type, data, id, options }) => [type, [...data], id, options.compress]),
        [[2, ["a", 1], undefined, false], [2, ["b"], 0, true]],
      );
      socket.sendBuffer = [];
      socket.emit("c");
      await accept(it);
      assert.equal(socket.sendBuffer.length, 0);
      world.last.end();
      await settled();
      socket.emit("d");
      socket.sendBuffer.length = 0;
      socket.emit("e");
      await world.tick(1_500);
      world.last.accept();
      world.last.receive('40{"sid":"s"}');
      await settled();
      assert.deepEqual(world.last.sent, ["40", '42["e"]']);
    });

    it("what comes before the socket is accepted waits in receiveBuffer", async () => {
      const { world, socket } = start();
      const heard = [];
      socket.on("a", (...args) => heard.push(["a", ...args]));
      socket.on("connect", () => heard.push(["connect"]));
      world.last.accept();
      world.last.receive('42["a",1]', '42["a",2]');
      await settled();
      assert.deepEqual([heard, socket.receiveBuffer.length], [[], 2]);
      world.last.receive('40{"sid":"s"}');
      await settled();
      assert.deepEqual(heard, [["a", 1], ["a", 2], ["connect"]]);
      assert.equal(socket.receiveBuffer.length, 0);
    });

    it("the engine tells what it is and does", async () => {
      const { world, socket } = start();
      const { engine } = socket.io;
      const heard = [];
      for (const event of ["handshake", "open", "packetCreate", "drain", "ping", "pong", "data", "close"]) {
        engine.on(event, (detail) => heard.push([event, detail?.sid ?? detail?.type ?? detail]));
      }
      assert.deepEqual([engine.readyState, engine.transport.name], ["opening", "websocket"]);
      assert.deepEqual([engine.hostname, engine.transport.query.transport], ["a.test", "websocket"]);
      world.last.accept("e");
      await settled();
      assert.deepEqual([engine.readyState, engine.id, engine.writeBuffer.length], ["open", "e", 0]);
      const connect = [["packetCreate", "message"], ["handshake", "e"], ["open", undefined]];
      assert.deepEqual(heard.splice(0).sort(), [...connect, ["drain", undefined]].sort());
      let flushed = 0;
      engine.send("raw", null, () => flushed++);
      engine.write("again");
      world.last.receive("2", '40{"sid":"s"}');
      await settled();
      assert.deepEqual([world.last.sent, flushed], [["40", "4raw", "4again", "3"], 1]);
      assert.deepEqual(
        heard.splice(0).filter(([event]) => ["ping", "pong", "data"].includes(event)),
        [["ping", undefined], ["pong", undefined], ["data", '0{"sid":"s"}']],
      );
      const gone = [];
      socket.on("disconnect", (reason) => gone.push(reason));
      engine.close();
      await settled();
      assert.deepEqual([heard, gone], [[["close", "forced close"]], ["forced close"]]);
      assert.deepEqual([engine.readyState, engine.id], ["closed", null]);
    });

    it("each end has its reason and details", async () => {
      for (const [act, reason, described, isError] of [
        [(world) => world.last.end(), "transport close", "websocket connection closed", false],
        [(world) => world.last.fail(), "transport error", { type: "error" }, true],
        [(world) => world.tick(45_000), "ping timeout", undefined, false],
      ]) {
        const it = start();
        await accept(it);
        let heard;
        it.socket.on("disconnect", (...details) => (heard = details));
        await act(it.world);
        await settled();
        assert.equal(heard[0], reason);
        assert.deepEqual(heard[1]?.description, described);
        assert.equal(heard[1]?.type === "TransportError", isError);
        if (reason === "transport close") assert.equal(heard[1].context.code, 1006);
      }
    });

    it("an event is sent again until it is answered, with `retries`", async () => {
      const it = start({ retries: 2, ackTimeout: 100 });
      const { world, socket } = it;
      const told = [];
      socket.emit("a", (...args) => told.push(["a", ...args.map((arg) => arg?.message ?? arg)]));
      const late = socket.emitWithAck("b").then((answer) => told.push(["b", answer]));
      socket.volatile.emit("c");
      await accept(it);
      const sent = () => world.last.sent.splice(0).filter((message) => message !== "40");
      world.last.sent.length = 0;
      await world.tick(100);
      await world.tick(100);
      assert.deepEqual(sent(), ['421["a"]', '422["a"]']);
      await world.tick(100);
      assert.deepEqual([told, sent()], [[["a", "operation has timed out"]], ['423["b"]']]);
      socket.emit("d");
      assert.deepEqual(sent(), [], "one after the other");
      world.last.receive('433["yes"]');
      await late;
      assert.deepEqual([told.at(-1), sent()], [["b", "yes"], ['424["d"]']]);
      world.last.receive("434[]");
      await world.tick(10_000);
      assert.deepEqual(sent(), []);
    });

    it("a factor that is none leaves the waits as they are", async () => {
      for (const randomizationFactor of [0, 5, -1]) {
        const { world } = start({ randomizationFactor });
        world.last.fail();
        await world.tick(999);
        assert.equal(world.sockets.length, 1);
        await world.tick(1);
        assert.equal(world.sockets.length, 2);
      }
    });

    it("reconnection(false) ends a wait", async () => {
      const { world, socket } = start();
      world.last.fail();
      await settled();
      socket.io.reconnection(false).on("reconnect_attempt", () => assert.fail("an attempt"));
      await world.tick(60_000);
      assert.equal(world.sockets.length, 1);
    });

    it("connect() does not cut a wait short", async () => {
      const it = start();
      const { world, socket } = it;
      await accept(it);
      // In theirs it does in this moment, and all clients of a server that restarts are back at once.
      if (client === "our client") socket.on("disconnect", () => socket.connect());
      world.last.end();
      await world.tick(499);
      assert.equal(world.sockets.length, 1);
      socket.connect();
      assert.equal(world.sockets.length, 1);
      await world.tick(1_001);
      assert.equal(world.sockets.length, 2);
    });

    it("a state that the server recovers is asked for", async () => {
      const it = start({ auth: { token: "a" } });
      const { world, socket } = it;
      world.last.accept();
      world.last.receive('40{"sid":"s","pid":"p"}', '42["a",1,"offset"]');
      await settled();
      assert.deepEqual([socket.recovered ?? false, world.last.sent], [false, ['40{"token":"a"}']]);
      world.last.end();
      await world.tick(1_500);
      world.last.accept();
      await settled();
      const [connect] = world.last.sent;
      assert.deepEqual(JSON.parse(connect.slice(2)), { pid: "p", offset: "offset", token: "a" });
      world.last.receive('40{"sid":"s","pid":"p"}');
      await settled();
      assert.equal(socket.recovered, true);
    });

    it("another parser takes the place of the own", async () => {
      const world = new World(client);
      class Encoder {
        encode = (packet) => [`!${JSON.stringify([packet.type, packet.nsp, packet.data])}`];
      }
      class Decoder extends Object.getPrototypeOf(world.io.Manager) {
        add(message) {
          const [type, nsp, data] = JSON.parse(message.slice(1));
          this.emit("decoded", { type, nsp, data });
        }
        destroy() {}
      }
      const options = { transports: ["websocket"], parser: { Encoder, Decoder } };
      const socket = world.io("http://a.test", options);
      world.last.accept();
      world.last.receive('4![0,"/",{"sid":"s"}]');
      await settled();
      assert.equal(socket.connected, true);
      let heard;
      socket.on("a", (n) => (heard = n));
      world.last.receive('4![2,"/",["a",7]]');
      await settled();
      socket.emit("b", 8);
      assert.deepEqual([heard, world.last.sent.at(-1)], [7, '4![2,"/",["b",8]]']);
    });

    it("a server of Socket.IO 2 is told apart", async () => {
      const { world, socket } = start();
      const errors = [];
      socket.on("connect_error", (error) => errors.push(error.message));
      world.last.accept();
      world.last.receive("40");
      await settled();
      assert.match(errors[0], /2/);
      assert.equal(socket.connected, false);
    });

    describe("an emitter", () => {
      const emitter = () => new (Object.getPrototypeOf(new World(client).io.Manager))();

      it("calls in order, with what the event has, as often as a listener is there", () => {
        const [it, heard] = [emitter(), []];
        const f = function (...args) {
          heard.push([this === it, ...args]);
        };
        assert.equal(it.on("a", f).on("a", f).addEventListener("a", f), it);
        assert.equal(it.emit("a", 1, undefined), it);
        assert.deepEqual(heard, Array(3).fill([true, 1, undefined]));
        it.off("a", f).emit("a");
        assert.equal(heard.length, 5);
        assert.deepEqual([it.listeners("a").length, it.hasListeners("a"), it.hasListeners("b")], [2, true, false]);
      });

      it("takes numbers for their text", () => {
        const [it, heard] = [emitter(), []];
        it.on(7, () => heard.push(7)).on("7", () => heard.push("7"));
        it.emit("7").emit(7);
        assert.deepEqual(heard, [7, "7", 7, "7"]);
        it.off(7);
        assert.equal(it.hasListeners("7"), false);
      });

      it("has no events that nobody listens to", () => {
        const it = emitter();
        for (const event of ["constructor", "toString", "__proto__", "hasOwnProperty", ""]) {
          assert.deepEqual([it.hasListeners(event), it.listeners(event).length], [false, 0]);
          it.emit(event);
          it.off(event, () => {});
        }
      });

      it("calls once what was asked for once, though the event comes again in between", () => {
        const [it, heard] = [emitter(), []];
        it.once("a", (n) => {
          heard.push(n);
          if (n < 3) it.emit("a", n + 1);
        });
        it.emit("a", 1);
        assert.deepEqual(heard, [1]);
        const f = () => heard.push("f");
        it.once("a", f).off("a", f).emit("a");
        it.once("a", f).removeListener("a", f).once("a", f).removeAllListeners("a").emit("a");
        it.once("a", f).removeEventListener("a", f).once("b", f).off().emit("a").emit("b");
        assert.deepEqual(heard, [1]);
      });

      it("calls who was there when the event came", () => {
        const [it, heard] = [emitter(), []];
        const late = () => heard.push("late");
        const gone = () => heard.push("gone");
        it.on("a", () => {
          it.on("a", late);
          it.off("a", gone);
        });
        it.on("a", gone);
        it.emit("a");
        assert.deepEqual(heard.splice(0), ["gone"]);
        it.emit("a");
        assert.deepEqual(heard, ["late"]);
      });

      it("stops at a listener that throws, and is as before", () => {
        const [it, heard] = [emitter(), []];
        it.once("a", () => {
          throw new Error("once");
        });
        it.on("a", () => heard.push("a"));
        assert.throws(() => it.emit("a"), { message: "once" });
        assert.deepEqual(heard, []);
        it.emit("a");
        assert.deepEqual(heard, ["a"]);
      });

      it("lets a list be changed", () => {
        const [it, heard] = [emitter(), []];
        it.on("a", () => heard.push(1)).on("a", () => heard.push(2));
        it.listeners("a").shift();
        it.emit("a");
        assert.deepEqual(heard, [2]);
      });
    });
  });
}

test("a listener that throws loses neither the connection nor what others are to be told", async () => {
  const world = new World("our client");
  const thrown = [];
  world.global.queueMicrotask = (act) => {
    try {
      act();
    } catch (error) {
      thrown.push(error.message);
    }
  };
  const main = world.io("http://a.test");
  const other = world.io("http://a.test/other");
  world.last.accept();
  world.last.receive('40{"sid":"s"}', '40/other,{"sid":"o"}');
  const fail = (name) => () => {
    throw new Error(name);
  };
  const heard = [];
  main.on("a", fail("a")).on("a", () => heard.push("a")).on("b", () => heard.push("b"));
  world.last.receive('42["a"]', '42["b"]');
  assert.deepEqual([heard.splice(0), thrown.splice(0), main.connected], [["b"], ["a"], true]);

  main.on("disconnect", fail("gone")).emit("ask", fail("an answer to nothing"));
  main.timeout(60_000).emit("ask", fail("no answer"));
  main.emitWithAck("ask").catch(() => heard.push("rejected"));
  other.on("disconnect", () => heard.push("other"));
  main.io.on("reconnect_attempt", fail("attempt"));
  other.on("reconnect_attempt", () => heard.push("attempt"));
  world.last.end();
  await settled();
  assert.deepEqual([heard.splice(0), thrown.splice(0)], [["other", "rejected"], ["gone", "no answer"]]);
  await world.tick(1_500);
  assert.deepEqual([heard.splice(0), thrown.splice(0)], [["attempt"], ["attempt"]]);

  main.auth = fail("auth");
  world.last.accept();
  assert.deepEqual([world.last.sent, thrown.splice(0)], [["40/other,"], ["auth"]]);
});

test("an outgoing listener that throws is the sender's error, and the event is sent", async () => {
  const world = new World("our client");
  const socket = world.io("http://a.test");
  world.last.accept();
  world.last.receive('40{"sid":"s"}');
  socket.onAnyOutgoing(() => {
    throw new Error("of the page");
  });
  assert.throws(() => socket.emit("a"), { message: "of the page" });
  assert.deepEqual(world.last.sent, ["40", '42["a"]']);
});

test("what is said to a connection that is closing waits for the next", async () => {
  const world = new World("our client");
  const socket = world.io("http://a.test");
  world.last.accept();
  world.last.receive('40{"sid":"s"}');
  world.last.readyState = 2; // the server's Close has come, and the page is yet to hear of it
  socket.emit("a");
  socket.volatile.emit("b");
  assert.deepEqual([...socket.sendBuffer].map(({ data }) => [...data]), [["a"]]);
});

test("what comes before the handshake, or a second one, breaks the protocol", async () => {
  const world = new World("our client");
  const heard = [];
  const start = () => {
    const socket = world.io("http://a.test", { forceNew: true, reconnection: false });
    for (const event of ["connect", "connect_error", "disconnect"]) {
      socket.on(event, (detail) => heard.push([event, detail?.message ?? detail]));
    }
  };
  for (const message of ['40{"sid":"s"}', "2", "1", "6", "0", "0null", "0["]) {
    start();
    world.last.readyState = 1;
    world.last.receive(message);
    const [[event, reason]] = heard.splice(0);
    assert.equal(event, "connect_error", message);
    assert.match(reason, /no type, or out of order|JSON|null/, message);
    assert.equal(world.last.readyState, 2);
  }
  start();
  world.last.accept();
  world.last.receive('40{"sid":"s"}', '0{"sid":"again","pingInterval":1,"pingTimeout":1}');
  assert.deepEqual(heard, [["connect", undefined], ["disconnect", "parse error"]]);
});

test("a server that pings once in a month is waited for", async () => {
  const world = new World("our client");
  const socket = world.io("http://a.test");
  world.last.accept("e", { pingInterval: 30 * 86_400_000, pingTimeout: 20_000 });
  world.last.receive('40{"sid":"s"}');
  await world.tick(86_400_000);
  assert.equal(socket.connected, true);
});

test("a namespace may have any name", () => {
  const { io } = new World("our client");
  const manager = new io.Manager("http://a.test");
  for (const name of ["constructor", "toString", "__proto__"]) {
    assert.ok(manager.socket(name) instanceof io.Socket, name);
    assert.equal(manager.socket(name), manager.socket(name));
  }
});

test("a listener that leaves while what has waited is delivered keeps the rest for later", async () => {
  const world = new World("our client");
  const socket = world.io("http://a.test");
  const heard = [];
  socket.on("connect", () => heard.push("connect"));
  socket.once("a", () => socket.disconnect());
  socket.emit("b");
  world.last.accept();
  world.last.receive('42["a"]', '40{"sid":"s"}');
  assert.deepEqual([heard, world.last.sent, socket.sendBuffer.length], [[], ["40", "41"], 1]);
  socket.connect();
  world.last.accept();
  world.last.receive('40{"sid":"s"}');
  assert.deepEqual([heard, world.last.sent], [["connect"], ["40", '42["b"]']]);
});
