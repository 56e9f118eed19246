// Long-polling and the way from there to a WebSocket: our client and socket.io's own against
// socket.io's server, with a proxy between them that lets WebSockets through or not.
//
//     npm ci && node --test

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { describe, it } from "node:test";

import { Server } from "socket.io";
import { io as theirs } from "socket.io-client";

import { BLOCKING, Gate } from "./gate.mjs";
import { ours } from "./ours.mjs";

const next = (emitter, event) =>
  new Promise((resolve) => emitter.once(event, (...details) => resolve(details)));

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function until(condition, what) {
  for (const end = Date.now() + 8_000; !(await condition()); await pause(5)) {
    assert.ok(Date.now() < end, what);
  }
}

const test = (rule, run) => it(rule, { timeout: 20_000 }, run);

/** A server that counts what it is told, and a proxy before it. */
async function start(t, way, options) {
  const http = createServer();
  const server = new Server(http, options);
  const heard = [];
  const peers = [];
  server.on("connection", (peer) => {
    peers.push(peer);
    peer.on("n", (n) => heard.push(n));
    peer.on("echo", (...args) => args.pop()(...args));
    peer.on("login", (name, answer) => answer?.(name));
  });
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  const gate = await Gate.start(`http://127.0.0.1:${http.address().port}`, way);
  t.after(() => {
    gate.stop();
    return server.close();
  });
  return { server, gate, heard, peers };
}

function open(t, io, gate, options) {
  const quick = { reconnectionDelay: 5, reconnectionDelayMax: 20, forceNew: true };
  const socket = io(gate.url, { ...quick, ...options });
  t.after(() => socket.disconnect());
  return socket;
}

const transport = (socket) => socket.io.engine.transport.name;

/** Whether there was at most one request of each kind at a time. */
const isAlone = ({ most }) => most.GET <= 1 && most.POST <= 1;

const echo = (socket, ...args) => socket.timeout(5_000).emitWithAck("echo", ...args);

// ---- What is the same with either client -------------------------------------------------------

for (const [name, io] of Object.entries({ "our client": ours, "socket.io-client": theirs })) {
  describe(name, () => behaves(io));
}

function behaves(io) {
  test("polling alone makes no WebSocket, and carries text and binary data", async (t) => {
    const { gate, peers } = await start(t);
    const socket = open(t, io, gate, { transports: ["polling"] });
    await next(socket, "connect");
    assert.equal(transport(socket), "polling");
    assert.equal(await echo(socket, "中 🦊 \u2028 \\ \""), "中 🦊 \u2028 \\ \"");
    const bytes = Uint8Array.from({ length: 1_000 }, (_, n) => n % 256);
    assert.deepEqual([...new Uint8Array(await echo(socket, bytes))], [...bytes]);
    assert.deepEqual([...new Uint8Array(await echo(socket, bytes.subarray(3, 5)))], [3, 4]);
    peers[0].emit("x", Buffer.from([1, 2]), { deep: [Buffer.from([3])] });
    const [first, { deep }] = await next(socket, "x");
    assert.deepEqual([first, deep[0]].map((it) => [...new Uint8Array(it)]), [[1, 2], [3]]);
    assert.ok(!gate.kinds().includes("websocket") && isAlone(gate));
  });

  test("a WebSocket alone is not replaced", async (t) => {
    const { gate } = await start(t, "refuse");
    const socket = open(t, io, gate, { transports: ["websocket"], reconnection: false });
    const [error] = await next(socket, "connect_error");
    assert.equal(error.message, "websocket error");
    assert.deepEqual(gate.kinds(), ["websocket"]);
  });

  test("polling first, and then a WebSocket", async (t) => {
    const { gate } = await start(t);
    const socket = open(t, io, gate, { transports: ["polling", "websocket"] });
    await next(socket, "connect");
    if (transport(socket) === "polling") await next(socket.io.engine, "upgrade");
    assert.equal(transport(socket), "websocket");
    assert.equal(await echo(socket, 1), 1);
    const requests = gate.seen.length;
    assert.equal(await echo(socket, 2), 2);
    assert.equal(gate.seen.length, requests, "there are no more requests");
    assert.ok(isAlone(gate));
  });

  test("the first alone is tried, unless all are wanted", async (t) => {
    const { gate } = await start(t, "refuse");
    const transports = ["websocket", "polling"];
    const one = open(t, io, gate, { transports, reconnection: false });
    assert.equal((await next(one, "connect_error"))[0].message, "websocket error");
    const all = open(t, io, gate, { transports, tryAllTransports: true });
    await next(all, "connect");
    assert.equal(transport(all), "polling");
  });

  test("it does not move if that is not wanted", async (t) => {
    const { gate } = await start(t);
    const transports = ["polling", "websocket"];
    const socket = open(t, io, gate, { transports, upgrade: false });
    await next(socket, "connect");
    await pause(100);
    assert.equal(transport(socket), "polling");
    assert.ok(!gate.kinds().includes("websocket"));
  });

  test("a WebSocket that got through is first from then on, if that is wanted", async (t) => {
    const { gate } = await start(t);
    const options = { transports: ["polling", "websocket"], rememberUpgrade: true };
    const socket = open(t, io, gate, options);
    await next(socket, "connect");
    if (transport(socket) === "polling") await next(socket.io.engine, "upgrade");
    gate.seen.length = 0;
    gate.cut();
    await next(socket, "connect");
    assert.equal(transport(socket), "websocket");
    assert.ok(!gate.kinds().includes("GET"), gate.kinds().join());
  });

  test("nothing is lost, doubled or out of order while it moves", async (t) => {
    const { gate, heard, server } = await start(t);
    server.on("connection", (peer) => {
      let n = 0;
      const timer = setInterval(() => (n < 200 ? peer.emit("n", n++) : clearInterval(timer)), 1);
    });
    const sockets = Array.from({ length: 8 }, () =>
      open(t, io, gate, { transports: ["polling", "websocket"] }),
    );
    const told = await Promise.all(
      sockets.map(async (socket, index) => {
        const numbers = [];
        socket.on("n", (n) => numbers.push(n));
        await next(socket, "connect");
        for (let n = 0; n < 200; n++) {
          socket.emit("n", index * 1_000 + n);
          if (n % 5 === 0) await pause(1);
        }
        await until(() => numbers.length >= 200, `${numbers.length} were told`);
        assert.equal(transport(socket), "websocket");
        return numbers;
      }),
    );
    await until(() => heard.length >= 1_600, `${heard.length} were heard`);
    const all = Array.from({ length: 200 }, (_, n) => n);
    for (const [index, numbers] of told.entries()) {
      assert.deepEqual(numbers, all);
      const own = heard.filter((n) => Math.floor(n / 1_000) === index);
      assert.deepEqual(own, all.map((n) => n + index * 1_000));
    }
  });

  for (const way of BLOCKING) {
    test(`polling goes on where the WebSocket to move to meets: ${way}`, async (t) => {
      const { gate } = await start(t, way);
      const socket = open(t, io, gate, { transports: ["polling", "websocket"] });
      await next(socket, "connect");
      for (let n = 0; n < 20; n++) assert.equal(await echo(socket, n), n);
      assert.equal(transport(socket), "polling");
      assert.ok(gate.kinds().includes("websocket"));
    });
  }

  test("a payload is not longer than the server takes", async (t) => {
    const { gate, heard } = await start(t, "open", { maxHttpBufferSize: 1_000 });
    const socket = open(t, io, gate, { transports: ["polling"] });
    await next(socket, "connect");
    const sent = Array.from({ length: 100 }, (_, n) => `${n} ${"中".repeat(n)}`);
    for (const one of sent) socket.emit("n", one);
    await until(() => heard.length >= 100, "all are heard");
    assert.deepEqual(heard, sent);
    assert.ok(gate.bytesMax <= 1_000 && isAlone(gate), `${gate.bytesMax} bytes`);
    assert.ok(gate.kinds().filter((kind) => kind === "POST").length < 60, "they go together");
  });

  test("the server's end is an end, and its disconnect the last", async (t) => {
    const { gate, peers } = await start(t);
    const socket = open(t, io, gate, { transports: ["polling"] });
    await next(socket, "connect");
    peers[0].conn.close();
    assert.equal((await next(socket, "disconnect"))[0], "transport close");
    await next(socket, "connect");
    peers[1].disconnect();
    assert.equal((await next(socket, "disconnect"))[0], "io server disconnect");
    assert.equal(socket.active, false);
  });

  test("a request that fails is the end of the connection, and there is another", async (t) => {
    const { gate, heard } = await start(t);
    const socket = open(t, io, gate, { transports: ["polling"] });
    await next(socket, "connect");
    socket.emit("n", 0);
    await until(() => heard.length === 1, "it is heard");
    gate.isClosed = true;
    gate.cut();
    const [reason, details] = await next(socket, "disconnect");
    assert.equal(reason, "transport error");
    assert.ok(details instanceof Error);
    const [error] = await next(socket, "connect_error");
    assert.equal(error.message, "xhr poll error");
    for (let n = 1; n <= 20; n++) socket.emit("n", n);
    gate.isClosed = false;
    await next(socket, "connect");
    await until(() => heard.length >= 21, `${heard} were heard`);
    assert.deepEqual(heard, Array.from({ length: 21 }, (_, n) => n));
  });

  test("requests that are refused say with what", async (t) => {
    const { gate } = await start(t, "open", { allowRequest: (_, done) => done("no", false) });
    const options = { transports: ["polling"], reconnection: false };
    const [error] = await next(open(t, io, gate, options), "connect_error");
    assert.deepEqual([error.message, error.description], ["xhr poll error", 403]);
  });

  test("headers and queries are sent along", async (t) => {
    const { gate, peers } = await start(t);
    const socket = open(t, io, gate, {
      transports: ["polling"],
      query: { a: "b c" },
      transportOptions: { polling: { extraHeaders: { "X-Mine": "1" } } },
    });
    await next(socket, "connect");
    assert.equal(peers[0].handshake.query.a, "b c");
    for (const { headers } of gate.seen) assert.equal(headers["x-mine"], "1");
    const stamps = gate.seen.map(({ url }) => new URL(url, "http://a").searchParams.get("t"));
    assert.ok(stamps.every(Boolean), "no cache takes it for another");
    assert.equal(new Set(stamps).size, stamps.length);
  });

  test("what is volatile does not wait for a request that is under way", async (t) => {
    const { gate, heard } = await start(t);
    const socket = open(t, io, gate, { transports: ["polling"] });
    await next(socket, "connect");
    assert.equal(await echo(socket, 1), 1);
    gate.delay = 50;
    socket.emit("n", 1);
    await pause(10);
    for (let n = 100; n < 110; n++) socket.volatile.emit("n", n);
    socket.emit("n", 2);
    await until(() => heard.length >= 2, "both are heard");
    assert.deepEqual(heard, [1, 2]);
  });
}

// ---- What is ours alone ------------------------------------------------------------------------

describe("our client, by default", () => {
  test("has a WebSocket and no other request", async (t) => {
    const { gate } = await start(t);
    const socket = open(t, ours, gate);
    await next(socket, "connect");
    assert.equal(await echo(socket, 1), 1);
    assert.deepEqual(gate.kinds(), ["websocket"]);
  });

  for (const way of BLOCKING) {
    test(`polls where a WebSocket meets: ${way}`, async (t) => {
      const { gate, heard } = await start(t, way);
      const socket = open(t, ours, gate, { timeout: 1_200 });
      const errors = [];
      socket.on("connect_error", (error) => errors.push(error));
      socket.emit("n", 0); // before it is connected
      const begun = Date.now();
      await next(socket, "connect");
      assert.equal(transport(socket), "polling");
      assert.ok(Date.now() - begun < 1_000);
      for (let n = 1; n < 10; n++) socket.emit("n", n);
      assert.equal(await echo(socket, "x"), "x");
      assert.deepEqual(heard, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
      assert.deepEqual(errors, [], "the same attempt went on");

      // From then on polling is first: there is no wait for a WebSocket.
      gate.seen.length = 0;
      gate.cut();
      const again = Date.now();
      await next(socket, "connect");
      assert.ok(Date.now() - again < 250, "it remembers");
      assert.equal(gate.kinds()[0], "GET");
      assert.equal(await echo(socket, "y"), "y");

      // Where one gets through again, it moves, and that is first again.
      gate.way = "open";
      gate.cut();
      await next(socket, "connect");
      if (transport(socket) === "polling") await next(socket.io.engine, "upgrade");
      assert.equal(await echo(socket, "z"), "z");
      gate.seen.length = 0;
      gate.cut();
      await next(socket, "connect");
      assert.deepEqual([transport(socket), gate.kinds()], ["websocket", ["websocket"]]);
      assert.ok(isAlone(gate));
    });
  }

  test("polls on if the WebSocket fails in the midst of the move", async (t) => {
    const { gate, peers } = await start(t, "brief");
    gate.delay = 40; // so that it waits for a request while the WebSocket ends
    const socket = open(t, ours, gate, { transports: ["polling", "websocket"] });
    let failures = 0;
    socket.io.once("open", () => socket.io.engine.on("upgradeError", () => failures++));
    const said = [];
    socket.on("connect", () => socket.emit("n", 0));
    await next(socket, "connect");
    for (let n = 1; n < 60; n++) {
      said.push(echo(socket, n));
      peers[0].emit("m", n);
      await pause(2);
    }
    assert.deepEqual(await Promise.all(said), Array.from({ length: 59 }, (_, n) => n + 1));
    assert.equal(transport(socket), "polling");
    assert.equal(failures, 1);
    assert.equal(peers.length, 1, "it is the same session");
  });

  test("what waits for a request that fails is sent on the next connection, once", async (t) => {
    const { gate, heard } = await start(t);
    const socket = open(t, ours, gate, { transports: ["polling"] });
    await next(socket, "connect");
    assert.equal(await echo(socket, 1), 1);
    const outgoing = [];
    socket.onAnyOutgoing((event, n) => outgoing.push(n));
    gate.delay = 200;
    socket.emit("n", 0); // is in a request that fails: nobody knows what became of it
    await pause(20);
    for (let n = 1; n <= 10; n++) socket.emit("n", n);
    const answer = socket.emitWithAck("echo", "answer");
    socket.emit("n", Buffer.from([1]));
    gate.isClosed = true;
    gate.cut();
    await next(socket, "disconnect");
    for (let n = 11; n <= 13; n++) socket.emit("n", n);
    gate.delay = 0;
    gate.isClosed = false;
    assert.equal(await answer, "answer");
    await until(() => heard.at(-1) === 13, "the last is heard");
    const rest = heard.filter((n) => n !== 0);
    assert.deepEqual(rest, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, Buffer.from([1]), 11, 12, 13]);
    assert.deepEqual(outgoing.filter((n) => n !== "answer").length, 15);
  });

  test("over many losses nothing is doubled or out of order", async (t) => {
    const { gate, heard } = await start(t, "refuse");
    const socket = open(t, ours, gate);
    let sum = 0;
    await next(socket, "connect");
    for (let round = 0; round < 12; round++) {
      for (let n = 0; n < 20; n++) {
        socket.emit("n", sum++);
        if (n % 4 === 0) await pause(1);
      }
      gate.cut();
    }
    await until(() => echo(socket, 1).then(() => true, () => false), "it is connected");
    socket.emit("n", sum);
    await until(() => heard.at(-1) === sum, "the last is heard");
    assert.ok(heard.every((n, index) => index === 0 || n > heard[index - 1]), heard.join());
    // At most those of the request that was under way are lost, once for each loss.
    assert.ok(heard.length > sum / 3, `${heard.length} of ${sum}`);
  });

  test("a request that takes longer than it may fails", async (t) => {
    const { gate } = await start(t);
    const socket = open(t, ours, gate, { transports: ["polling"], requestTimeout: 100 });
    await next(socket, "connect");
    const [reason] = await next(socket, "disconnect");
    assert.equal(reason, "transport error");
    await next(socket, "connect");
  });

  test("what was said before it leaves is sent, and nothing stays open", async (t) => {
    const { gate, peers } = await start(t);
    gate.delay = 30;
    const socket = open(t, ours, gate, { transports: ["polling"] });
    await next(socket, "connect");
    gate.seen.length = 0;
    const left = next(peers[0], "disconnect");
    for (let n = 0; n < 4; n++) {
      socket.emit("n", n);
      if (n === 1) await pause(10);
    }
    socket.disconnect();
    assert.equal((await left)[0], "client namespace disconnect");
    await until(() => peers[0].conn.readyState === "closed", "the session is over");
    const posts = gate.seen.filter(({ kind }) => kind === "POST").map(({ body }) => body);
    assert.deepEqual(posts, ['42["n",0]\x1e42["n",1]', '42["n",2]\x1e42["n",3]\x1e41', "1"]);
    assert.ok(isAlone(gate));
  });

  test("tells the last failure, when all have failed", async (t) => {
    const { gate } = await start(t);
    gate.isClosed = true;
    const socket = open(t, ours, gate, { reconnection: false });
    assert.equal((await next(socket, "connect_error"))[0].message, "xhr poll error");
  });

  test("takes a page for no session, by either transport", async (t) => {
    const http = createServer((_, response) => response.end("<!doctype html>"));
    http.on("upgrade", (_, socket) => socket.end("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
    http.listen(0, "127.0.0.1");
    await once(http, "listening");
    t.after(() => http.close());
    const gate = { url: `http://127.0.0.1:${http.address().port}` };
    const socket = open(t, ours, gate, { reconnection: false });
    const [error] = await next(socket, "connect_error");
    assert.equal(error.message, "a packet of no type, or out of order");
  });

  test("names of transports that there are not are skipped", async (t) => {
    const { gate } = await start(t);
    for (const [transports, expected] of [
      [["webtransport"], "websocket"],
      [["flashsocket", "polling"], "polling"],
      [[ours.XHR], "polling"],
      [[ours.WebSocket], "websocket"],
      ["polling", "polling"],
    ]) {
      const socket = open(t, ours, gate, { transports });
      await next(socket, "connect");
      assert.equal(transport(socket), expected, String(transports));
    }
    const none = open(t, ours, gate, { transports: [], reconnection: false });
    assert.equal((await next(none, "connect_error"))[0].message, "No transports available");
  });

  test("polls where there is no WebSocket at all", async (t) => {
    const { gate } = await start(t);
    const { WebSocket } = globalThis;
    delete globalThis.WebSocket;
    t.after(() => (globalThis.WebSocket = WebSocket));
    const socket = open(t, ours, gate);
    await next(socket, "connect");
    await pause(50);
    assert.equal(transport(socket), "polling");
  });
});
