// www/socket.io.js beside the client that it stands in for: both are put to the same tests against
// socket.io's own server.
//
//     npm ci && node --test

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { describe, it } from "node:test";

import { Server } from "socket.io";
import { io as theirs } from "socket.io-client";
import { WebSocketServer } from "ws";

import { ours } from "./ours.mjs";

const OPTIONS = { transports: ["websocket"], reconnectionDelay: 5, reconnectionDelayMax: 20 };

/** What an event is called with, the next time. */
const next = (emitter, event) =>
  new Promise((resolve) => emitter.once(event, (...details) => resolve(details)));

const test = (rule, run) => it(rule, { timeout: 10_000 }, run);

for (const [name, io] of Object.entries({ "our client": ours, "socket.io-client": theirs })) {
  describe(name, () => behaves(io));
}

function behaves(io) {
  // A server of its own for each test, which tells each socket's payload, echoes and answers.
  async function start(t, options) {
    const http = createServer();
    const server = new Server(http, { transports: ["websocket"], ...options });
    for (const namespace of [server.of("/"), server.of("/custom")]) {
      namespace.on("connection", (socket) => {
        socket.emit("auth", socket.handshake.auth);
        socket.on("message", (...args) => socket.emit("message-back", ...args));
        socket.on("message-with-ack", (...args) => args.pop()(...args));
      });
    }
    const listen = async (port) => {
      http.listen(port, "127.0.0.1");
      await once(http, "listening");
    };
    await listen(0);
    const { port } = http.address();
    const stop = () => new Promise((resolve) => server.close(resolve));
    t.after(stop);
    return { server, url: `http://127.0.0.1:${port}`, stop, again: () => listen(port) };
  }

  function open(t, url, options) {
    const socket = io(url, { ...OPTIONS, ...options });
    t.after(() => socket.disconnect());
    return socket;
  }

  async function startAndOpen(t, options) {
    const { server, url } = await start(t);
    const socket = open(t, url, options);
    const [[peer]] = await Promise.all([next(server, "connection"), next(socket, "connect")]);
    return { server, url, socket, peer };
  }

  // Each event of those named, with what it tells: a word, a number, or an error's message.
  function record(emitter, ...events) {
    const heard = [];
    for (const event of events) {
      emitter.on(event, (detail) => heard.push([event, detail?.message ?? detail]));
    }
    return heard;
  }

  test("connects", async (t) => {
    const { server, url } = await start(t);
    const socket = open(t, url);
    assert.deepEqual([socket.connected, socket.disconnected], [false, true]);
    assert.deepEqual([socket.active, socket.id, socket.nsp], [true, undefined, "/"]);
    const [[peer]] = await Promise.all([next(server, "connection"), next(socket, "connect")]);
    assert.deepEqual([socket.connected, socket.disconnected], [true, false]);
    assert.equal(socket.id, peer.id);
    assert.equal(socket.io.engine.id, peer.conn.id);
    assert.equal(socket.io.engine.transport.name, "websocket");
    assert.equal(socket.connect(), socket, "again, which does nothing");
    socket.emit("message", 1);
    assert.deepEqual(await next(socket, "message-back"), [1]);
    assert.equal(server.engine.clientsCount, 1);
  });

  test("logs in and hears the list", async (t) => {
    const { server, url } = await start(t);
    const names = [];
    server.on("connection", (socket) => {
      socket.emit("login", names);
      socket.on("login", (name) => {
        names.push(name);
        server.emit("login", names);
      });
    });
    const ada = open(t, url);
    assert.deepEqual(await next(ada, "login"), [[]]);
    const han = open(t, url);
    await next(han, "login");
    for (const [socket, name] of [
      [ada, "Ada"],
      [han, "韩梅梅 🦊"],
    ]) {
      const lists = [next(ada, "login"), next(han, "login")];
      assert.equal(socket.emit("login", name), socket);
      for (const list of await Promise.all(lists)) assert.deepEqual(list, [names]);
    }
    assert.deepEqual(names, ["Ada", "韩梅梅 🦊"]);
  });

  test("arguments come back as they were", async (t) => {
    const { socket } = await startAndOpen(t);
    for (const args of [
      [],
      [null],
      ["", "\u2028\0\\\"'", "🦊"],
      [0, -1.5, true, [[]], { a: { b: [null] } }],
      [{ _placeholder: false, num: 0 }],
    ]) {
      socket.send(...args);
      assert.deepEqual(await next(socket, "message-back"), args);
    }
    socket.emit("message", undefined, new Date(0));
    assert.deepEqual(await next(socket, "message-back"), [null, "1970-01-01T00:00:00.000Z"]);
    socket.emit(7, "a number for a name");
  });

  test("an answer is handed to the function at the end", async (t) => {
    const { socket } = await startAndOpen(t);
    const ask = (...args) =>
      new Promise((resolve) => socket.emit("message-with-ack", ...args, (...got) => resolve(got)));
    assert.deepEqual(await ask(1, "two"), [1, "two"]);
    assert.deepEqual(await Promise.all([ask("a"), ask(), ask("b")]), [["a"], [], ["b"]]);
  });

  test("the server is answered, once", async (t) => {
    const { socket, peer } = await startAndOpen(t);
    socket.on("question", (a, b, answer) => {
      answer(a + b, Buffer.from("x"));
      answer("again");
    });
    const got = await new Promise((resolve) => {
      peer.emit("question", 1, 2, (...answer) => resolve(answer));
    });
    assert.deepEqual(got, [3, Buffer.from("x")]);
    socket.emit("message", "and nothing else came");
    await next(socket, "message-back");
  });

  test("timeout() gives an error first", async (t) => {
    const { socket } = await startAndOpen(t);
    const ask = (ms, event, ...args) =>
      new Promise((resolve) => socket.timeout(ms).emit(event, ...args, (...got) => resolve(got)));
    assert.deepEqual(await ask(9_000, "message-with-ack", 1, 2), [null, 1, 2]);
    const [error, ...rest] = await ask(5, "no such event");
    assert.ok(error instanceof Error);
    assert.deepEqual([error.message, rest], ["operation has timed out", []]);
    socket.emit("message-with-ack", 3, (got) => assert.equal(got, 3, "it is for one call only"));
    await ask(9_000, "message-with-ack");
  });

  test("ackTimeout is the timeout() of all", async (t) => {
    const { socket } = await startAndOpen(t, { ackTimeout: 5 });
    const got = await new Promise((resolve) => socket.emit("no such event", resolve));
    assert.equal(got.message, "operation has timed out");
  });

  test("emitWithAck() is a promise of the answer", async (t) => {
    const { socket } = await startAndOpen(t);
    assert.equal(await socket.emitWithAck("message-with-ack", "one", "two"), "one");
    assert.equal(await socket.timeout(9_000).emitWithAck("message-with-ack", 1), 1);
    const late = socket.timeout(5).emitWithAck("no such event");
    await assert.rejects(late, { message: "operation has timed out" });
  });

  test("what is sent before it is connected comes first, in order", async (t) => {
    const { server, url } = await start(t);
    const socket = open(t, url, { autoConnect: false });
    assert.equal(socket.active, false);
    const heard = [];
    server.on("connection", (peer) => peer.onAny((event, ...args) => heard.push(...args)));
    socket.volatile.emit("message", "lost");
    socket.emit("message", 1);
    socket.emit("message", Buffer.from("2"), 3);
    const answer = socket.emitWithAck("message-with-ack", 4);
    const early = socket.timeout(1).emitWithAck("message-with-ack", "timed out before");
    await assert.rejects(early, { message: "operation has timed out" });
    socket.on("connect", () => socket.emit("message", 5));
    assert.equal(socket.open(), socket);
    socket.emit("message", 6);
    assert.equal(await answer, 4);
    assert.equal(await socket.volatile.emitWithAck("message-with-ack", 7), 7);
    heard.splice(heard.indexOf(5), 1); // sent when told so, which is before or after the others
    const kept = heard.filter((arg) => typeof arg !== "function");
    assert.deepEqual(kept, [1, Buffer.from("2"), 3, 4, 6, 7]);
  });

  test("namespaces share a connection, and are apart on it", async (t) => {
    const { server, url } = await start(t);
    const [main, custom] = ["", "/custom"].map((path) => open(t, url + path));
    await Promise.all([next(main, "connect"), next(custom, "connect")]);
    assert.equal(main.io, custom.io);
    assert.equal(custom.nsp, "/custom");
    assert.notEqual(main.id, custom.id);
    assert.equal(server.engine.clientsCount, 1);
    const heard = [];
    main.onAny((...args) => heard.push(args));
    custom.emit("message", "custom", Buffer.from("x"));
    assert.equal((await next(custom, "message-back"))[0], "custom");
    assert.equal(await custom.emitWithAck("message-with-ack", "answer"), "answer");
    assert.deepEqual(heard, []);

    main.disconnect();
    assert.equal(custom.connected, true);
    assert.equal(await custom.emitWithAck("message-with-ack", "still here"), "still here");
    main.connect();
    await next(main, "connect");
    assert.equal(server.engine.clientsCount, 1);
  });

  test("a connection is shared unless it must not be", async (t) => {
    const { server, url } = await start(t);
    const main = open(t, url);
    const alone = [
      open(t, `${url}/custom`, { forceNew: true }),
      open(t, `${url}/custom`, { "force new connection": true }),
      open(t, `${url}/custom`, { multiplex: false }),
      open(t, url),
    ];
    const custom = open(t, `${url}/custom`);
    const sockets = [main, custom, ...alone];
    await Promise.all(sockets.map((socket) => next(socket, "connect")));
    assert.equal(main.io, custom.io);
    assert.equal(main.io.socket("/custom"), custom);
    assert.equal(new Set(sockets.map((socket) => socket.io)).size, 5);
    assert.equal(server.engine.clientsCount, 5);
  });

  test("auth is an object or a function, and the query is in the request", async (t) => {
    const { server, url } = await start(t);
    server.of("/custom").use((socket, go) => {
      if (socket.handshake.auth.token === "right") go();
      else go(Object.assign(new Error("wrong token"), { data: { retry: true } }));
    });
    assert.deepEqual(await next(open(t, url), "auth"), [{}]);
    const given = { token: "a", n: [1] };
    assert.deepEqual(await next(open(t, url, { auth: given }), "auth"), [given]);
    const later = (tell) => setImmediate(tell, given);
    assert.deepEqual(await next(open(t, url, { auth: later }), "auth"), [given]);

    const refused = open(t, `${url}/custom?a=1&b=%26`, { forceNew: true, auth: {} });
    const [error] = await next(refused, "connect_error");
    assert.deepEqual([error.message, error.data], ["wrong token", { retry: true }]);
    assert.deepEqual([refused.active, refused.connected], [false, false]);
    refused.auth = { token: "right" };
    refused.connect();
    const [peer] = await next(server.of("/custom"), "connection");
    assert.deepEqual([peer.handshake.query.a, peer.handshake.query.b], ["1", "&"]);
    assert.deepEqual([peer.handshake.query.EIO, peer.nsp.name], ["4", "/custom"]);

    open(t, url, { forceNew: true, query: { "a b": "中" } });
    const [other] = await next(server, "connection");
    assert.equal(other.handshake.query["a b"], "中");
  });

  for (const path of ["/a/b", "/a/b/"]) {
    test(`a server at another path: ${path}`, async (t) => {
      const { url } = await start(t, { path: "/a/b/" });
      await next(open(t, url, { path, forceNew: true }), "connect");
    });
  }

  test("an unknown namespace is refused, for good", async (t) => {
    const { server, url } = await start(t);
    const main = open(t, url);
    const socket = open(t, `${url}/unknown`);
    const [error] = await next(socket, "connect_error");
    assert.ok(error instanceof Error);
    assert.equal(error.message, "Invalid namespace");
    assert.deepEqual([socket.active, socket.connected, socket.id], [false, false, undefined]);
    if (!main.connected) await next(main, "connect");
    assert.equal(await main.emitWithAck("message-with-ack", "not for others"), "not for others");
    assert.equal(server.engine.clientsCount, 1);
  });

  test("disconnect() tells the server, and is for good", async (t) => {
    const { socket, peer } = await startAndOpen(t);
    const heard = record(socket, "disconnect", "connect");
    const connection = next(peer.conn, "close");
    const gone = next(peer, "disconnect");
    assert.equal(socket.disconnect(), socket);
    assert.deepEqual(heard, [["disconnect", "io client disconnect"]]);
    assert.deepEqual([socket.connected, socket.active, socket.id], [false, false, undefined]);
    assert.equal((await gone)[0], "client namespace disconnect");
    await connection;
    socket.close();
    assert.equal(heard.length, 1);
    socket.connect();
    await next(socket, "connect");
    assert.equal(heard.length, 2);
  });

  test("disconnect() before it is connected is silent", async (t) => {
    const { url } = await start(t);
    const socket = open(t, url);
    const heard = record(socket, "connect", "disconnect", "connect_error");
    socket.disconnect();
    assert.equal(socket.active, false);
    await next(open(t, url), "connect");
    assert.deepEqual(heard, []);
    socket.connect().disconnect().connect();
    await next(socket, "connect");
    assert.deepEqual(heard, [["connect", undefined]]);
  });

  test("a socket that the server disconnects stays so until connect()", async (t) => {
    const { server, socket, peer } = await startAndOpen(t);
    const pending = socket.emitWithAck("no such event");
    const gone = assert.rejects(pending, { message: "socket has been disconnected" });
    socket.emit("no such event", () => assert.fail("there is no answer"));
    peer.disconnect();
    assert.deepEqual((await next(socket, "disconnect"))[0], "io server disconnect");
    assert.deepEqual([socket.connected, socket.active], [false, false]);
    await gone;
    socket.connect();
    const [[other]] = await Promise.all([next(server, "connection"), next(socket, "connect")]);
    assert.equal(socket.id, other.id);
    other.disconnect(true);
    assert.deepEqual((await next(socket, "disconnect"))[0], "io server disconnect");
  });

  test("reconnects to a server that comes back", async (t) => {
    const { url, stop, again } = await start(t);
    const socket = open(t, url);
    const custom = open(t, `${url}/custom`);
    await Promise.all([next(socket, "connect"), next(custom, "connect")]);
    const heard = record(socket, "connect", "disconnect");
    const attempts = record(socket.io, "reconnect_attempt", "reconnect");
    const pending = assert.rejects(socket.emitWithAck("no such event"), {
      message: "socket has been disconnected",
    });
    const lost = next(socket, "disconnect");
    const stopped = stop();
    assert.deepEqual((await lost)[0], "transport close");
    assert.deepEqual([socket.active, socket.connected], [true, false]);
    await pending;
    socket.emit("message", "meanwhile");
    await Promise.all([stopped, next(socket, "connect_error"), next(custom, "connect_error")]);
    await next(socket.io, "reconnect_error");

    const back = Promise.all([next(socket, "connect"), next(custom, "connect")]);
    const message = next(socket, "message-back");
    await again();
    await back;
    assert.deepEqual(await message, ["meanwhile"]);
    assert.deepEqual(heard, [
      ["disconnect", "transport close"],
      ["connect", undefined],
    ]);
    const [last, ...before] = attempts.reverse();
    assert.deepEqual(last, ["reconnect", before.length]);
    before.reverse().forEach((it, i) => assert.deepEqual(it, ["reconnect_attempt", i + 1]));
  });

  test("gives up after reconnectionAttempts, and tries again if told to", async (t) => {
    const { url, stop, again } = await start(t);
    await stop();
    const socket = open(t, url, { reconnectionAttempts: 2 });
    const heard = record(socket.io, "reconnect_attempt", "reconnect_error", "error", "reconnect");
    const errors = record(socket, "connect_error");
    await next(socket.io, "reconnect_failed");
    await new Promise(setImmediate); // what else belongs to the last attempt
    const failed = ["error", "websocket error"];
    const failedAgain = ["reconnect_error", "websocket error"];
    assert.deepEqual(heard, [
      failed,
      ...[["reconnect_attempt", 1], failed, failedAgain],
      ...[["reconnect_attempt", 2], failed, failedAgain],
    ]);
    assert.deepEqual(errors, Array(3).fill(["connect_error", "websocket error"]));
    assert.deepEqual([socket.active, socket.connected], [true, false]);
    await again();
    socket.connect();
    await next(socket, "connect");
  });

  test("does not reconnect if it must not", async (t) => {
    const { socket, peer } = await startAndOpen(t, { reconnection: false });
    const heard = record(socket.io, "reconnect_attempt");
    peer.conn.close();
    assert.deepEqual((await next(socket, "disconnect"))[0], "transport close");
    assert.deepEqual([socket.connected, socket.active], [false, true]);
    socket.connect();
    await next(socket, "connect");
    assert.deepEqual(heard, []);
  });

  test("disconnect() ends the attempts", async (t) => {
    const { url, stop } = await start(t);
    await stop();
    const socket = open(t, url);
    await next(socket.io, "reconnect_attempt");
    socket.disconnect();
    const heard = record(socket.io, "reconnect_attempt", "error");
    const later = open(t, url, { forceNew: true, reconnectionDelay: 20, reconnectionAttempts: 1 });
    await next(later.io, "reconnect_failed");
    assert.deepEqual(heard, []);
  });

  // A server that opens a session, accepts `/`, and then does what the test says.
  async function openTo(t, act, options) {
    const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
    await once(server, "listening");
    t.after(() => server.close());
    const times = { pingInterval: 60_000, pingTimeout: 1, ...options };
    server.once("connection", (peer) => {
      peer.send(`0${JSON.stringify({ sid: "s", upgrades: [], maxPayload: 9, ...times })}`);
      peer.once("message", () => {
        peer.send('40{"sid":"t"}');
        act(peer);
      });
    });
    const url = `http://127.0.0.1:${server.address().port}`;
    return open(t, url, { reconnection: false });
  }

  test("a server that falls silent is given up", async (t) => {
    const socket = await openTo(t, () => {}, { pingInterval: 300 });
    assert.deepEqual((await next(socket, "disconnect"))[0], "ping timeout");
  });

  test("a ping is answered", async (t) => {
    let pongs;
    const socket = await openTo(t, (peer) => {
      pongs = once(peer, "message");
      peer.send("2");
    });
    const [, [pong]] = [await next(socket.io, "ping"), await pongs];
    assert.equal(String(pong), "3");
  });

  test("a connection that breaks the rules of WebSocket", async (t) => {
    const socket = await openTo(t, (peer) => peer._socket.write("\xff\xff\xff", "latin1"));
    assert.deepEqual((await next(socket, "disconnect"))[0], "transport error");
  });

  for (const [what, ...messages] of [
    ["no type", "4x"],
    ["no JSON", "42[,"],
    ["no array", '42{"a":1}'],
    ["a reserved name", '42["connect"]'],
    ["a text for an attachment", '451-["a",{"_placeholder":true,"num":0}]', '42["b"]'],
    ["an attachment of nothing", Buffer.from("x")],
    ["a placeholder of nothing", '451-["a",{"_placeholder":true,"num":1}]', Buffer.from("x")],
  ]) {
    test(`a packet with ${what} ends the connection`, async (t) => {
      const socket = await openTo(t, (peer) => messages.forEach((it) => peer.send(it)));
      assert.deepEqual((await next(socket, "disconnect"))[0], "parse error");
    });
  }

  test("a packet of another namespace, and an answer to nothing, are ignored", async (t) => {
    const strange = ['42/other,["a"]', "439[1]", "41/other", "6", '42["b"]'];
    const socket = await openTo(t, (peer) => strange.forEach((it) => peer.send(it)));
    socket.on("a", () => assert.fail("not for this socket"));
    await next(socket, "b");
  });

  test("binary data goes both ways", async (t) => {
    const { socket } = await startAndOpen(t);
    const of = (text) => new TextEncoder().encode(text);
    for (const sent of [of("ab"), of("ab").buffer, Buffer.from("ab"), of("xaby").subarray(1, 3)]) {
      socket.emit("message", "text", sent);
      const [text, got] = await next(socket, "message-back");
      assert.equal(text, "text");
      assert.deepEqual(Buffer.from(got).toString(), "ab");
    }
    const deep = { list: [of("1"), { file: of("2") }], none: of("") };
    const answer = await socket.emitWithAck("message-with-ack", deep);
    assert.deepEqual(
      [answer.list[0], answer.list[1].file, answer.none].map((it) => Buffer.from(it).toString()),
      ["1", "2", ""],
    );
    assert.ok(deep.list[0] instanceof Uint8Array, "what was given is left as it was");
    socket.emit("message", new Uint16Array([0x4142]));
    assert.equal(Buffer.from((await next(socket, "message-back"))[0]).toString(), "BA");
  });

  test("listeners come and go", async (t) => {
    const { socket, peer } = await startAndOpen(t);
    const heard = [];
    const hear = (word) => (detail) => heard.push([word, detail]);
    const [twice, once, off, all] = ["twice", "once", "off", "all"].map(hear);
    socket.on("a", twice).on("a", twice).once("a", once).once("a", off);
    socket.on("b", off).addEventListener("b", off);
    assert.equal(socket.listeners("a").length, 4);
    socket.off("a", off).off("b").off("c", off);
    socket.onAny(all).onAny(off).offAny(off);
    const say = async (...args) => {
      peer.emit(...args);
      await socket.emitWithAck("message-with-ack"); // answered after that
    };
    await say("a", 1);
    await say("b", 1);
    assert.deepEqual(heard.splice(0), [
      ["all", "a"],
      ["twice", 1],
      ["twice", 1],
      ["once", 1],
      ["all", "b"],
    ]);
    assert.equal(socket.listeners("a").length, 2, "without the one that is spent");
    socket.removeListener("a", twice).removeEventListener("a", twice);
    assert.equal(socket.listeners("a").length, 0);
    socket.on("a", twice);
    socket.once("a", function () {
      socket.off("a").on("a", all);
      assert.equal(this, socket);
    });
    socket.on("a", off);
    await say("a", 2);
    assert.deepEqual(heard.splice(0), [
      ["all", "a"],
      ["twice", 2],
      ["off", 2],
    ]);
    socket.offAny().on("b", () => socket.on("b", all));
    await say("b", 3);
    assert.deepEqual(heard, [], "who comes in the middle of an event is there for the next");
    socket.on("a", off).removeAllListeners();
    await say("a", 4);
    assert.deepEqual(heard, []);
    assert.equal(socket.listeners("a").length, 0);
  });

  test("names that a socket uses itself are not sent", async (t) => {
    const { url } = await start(t);
    const socket = open(t, url, { autoConnect: false });
    for (const event of ["connect", "connect_error", "disconnect", "disconnecting"]) {
      assert.throws(() => socket.emit(event), { message: `"${event}" is a reserved event name` });
    }
  });

  test("a manager can be used by itself", async (t) => {
    const { url } = await start(t);
    const manager = new io.Manager(url, { ...OPTIONS, autoConnect: false });
    assert.equal(manager.reconnectionDelay(), 5);
    assert.equal(manager.reconnectionDelay(7).reconnectionDelay(), 7);
    assert.equal(manager.reconnectionAttempts(), Infinity);
    assert.equal(manager.timeout(), 20_000);
    manager.open();
    await next(manager, "open");
    const socket = manager.socket("/custom", { auth: { a: 1 } });
    t.after(() => socket.disconnect());
    socket.connect();
    assert.deepEqual(await next(socket, "auth"), [{ a: 1 }]);
    assert.ok(socket instanceof io.Socket && socket.io === manager);
  });
}
