// Packets as our client reads and writes them, beside socket.io's own: a table, and changes of its
// rows by chance, always the same.
//
//     npm ci && node --test

import assert from "node:assert/strict";
import { test } from "node:test";

import { World, settled } from "./world.mjs";

const CLIENTS = ["our client", "socket.io-client"];

const bytes = (...list) => new Uint8Array(list).buffer;

// Messages after which a connection is as before, or has ended.
const ROWS = [
  ...['2["a"]', '2["a",1,"x",null,{"b":[]}]', '2[7]', '2[7,1]', '2["7"]', '2[""]', "2[]", "2[null]"],
  ...["2", "2{}", '2"a"', "2[", '2["a"]x', '2["a" ]', '2[true]', '2[["a"]]', '2[{"a":1}]'],
  ...['20["a"]', '2007["a"]', '2123["a"]', '299999999999999999999["a"]', '2-1["a"]', '21.5["a"]'],
  ...['2/n,["a"]', '2/,["a"]', '2/n["a"]', '2/n', '2/n,7["a"]', '2/["a"]', '2n,["a"]', "2/n,"],
  ...['2["connect"]', '2["disconnect"]', '2["connect_error"]', '2["newListener"]', '2["__proto__"]'],
  ...['2["a",{"__proto__":1}]', '2["a",{"_placeholder":true,"num":0}]', '2["a","\\ud800"]'],
  ...["30[]", "30[1,2]", "3[]", "37[1]", "30", "30{}", '30"a"', "3x[]", "3/n,0[]", '30["a"'],
  ...["1", "1{}", "1[]", "1/n,", "1/n", "1/other,", "1null", "1x"],
  ...["0", "0{}", '0{"sid":"t"}', "0[]", '0"a"', "0null", "0/n,{}", '0/n,{"sid":"u"}', "0x"],
  ...["4", '4{"message":"m"}', '4{"message":"m","data":{"b":1}}', '4"m"', "4[]", '4/n,{"message":"m"}'],
  ...["7", "8", "9", "x", "", "-", "/", "5", "6", "51", "51-", "50-[]", '50-["a"]', '5-["a"]'],
  ...['5x-["a"]', '511-["a"]', '51["a"]', '51-["a"', '51-/n,["a"]', "61-0[]", '6-1["a"]', '501-["a"]'],
].map((text) => [text]);

const placed = (n) => `{"_placeholder":true,"num":${n}}`;
ROWS.push(
  [`51-["a",${placed(0)}]`, bytes(1)],
  [`52-["a",${placed(1)},${placed(0)}]`, bytes(1), bytes(2)],
  [`52-["a",${placed(0)}]`, bytes(1)],
  [`51-["a",${placed(1)}]`, bytes(1)],
  [`51-["a",${placed(-1)}]`, bytes(1)],
  [`51-["a",{"_placeholder":true,"num":"at"}]`, bytes(1)],
  [`51-["a",{"_placeholder":true}]`, bytes(1)],
  [`51-["a",{"_placeholder":1,"num":0}]`, bytes(1)],
  [`51-["a"]`, bytes(1)],
  [`51-["a"]`, '2["b"]'],
  [`51-["a"]`, bytes(1), bytes(2)],
  [`510-["a",${placed(9)}]`, ...Array.from({ length: 10 }, (_, i) => bytes(i))],
  [`51-/n,7["a",{"deep":[${placed(0)}]}]`, bytes(1)],
  [`61-0[${placed(0)}]`, bytes(1)],
  [`51-["connect",${placed(0)}]`, bytes(1)],
  [bytes(1)],
);

const plain = (value) =>
  JSON.stringify(value, (key, it) => {
    if (typeof it === "function") return "a function";
    if (Object.prototype.toString.call(it) === "[object ArrayBuffer]") return `bytes ${new Uint8Array(it)}`;
    return it;
  });

/** All that is heard of such messages, on a connection of its own. */
async function take(world, messages) {
  const options = { transports: ["websocket"], forceNew: true, reconnection: false };
  const socket = world.io("http://a.test", options);
  const other = socket.io.socket("/n");
  const websocket = world.last;
  websocket.accept();
  websocket.receive('40{"sid":"s"}', '40/n,{"sid":"o"}');
  await settled();
  const heard = [];
  for (const [name, it] of [["main", socket], ["other", other]]) {
    it.onAny((...args) => heard.push([name, ...args]));
    it.on("connect", () => heard.push([name, "connect"]));
    it.on("disconnect", (reason) => heard.push([name, reason]));
    it.on("connect_error", ({ message, data }) => heard.push([name, /2\.x|IO 2/.test(message) || message, data]));
    it.emit("ask", (...args) => heard.push([name, "answer", ...args]));
  }
  await settled();
  websocket.sent.length = 0;
  for (const [i, message] of messages.entries()) {
    websocket.receive(i === 0 && typeof message === "string" ? `4${message}` : message);
    await settled();
  }
  const result = plain([heard, websocket.sent, [socket, other].map((it) => [it.connected, it.id])]);
  socket.disconnect();
  other.disconnect();
  return result;
}

// Where the two differ, with the reason.
function isKnown([text]) {
  // A socket that the server refuses after it was accepted: no server does; ours has then left.
  if (/^4/.test(text)) return true;
  // An event or an answer without anything: no server sends it, and theirs throws in the page.
  if (/^[2356](\d+-)?(\/[^,]*,?)?\d*$/.test(text)) return true;
  // A second CONNECT, or one without an id: ours is connected once.
  return /^0/.test(text);
}

test("a table of packets is read as socket.io's client does", async () => {
  const [ours, theirs] = CLIENTS.map((client) => new World(client));
  for (const row of ROWS.filter((row) => !isKnown(row))) {
    assert.equal(await take(ours, row), await take(theirs, row), plain(row));
  }
});

test("and changes of it by chance", async () => {
  const [ours, theirs] = CLIENTS.map((client) => new World(client));
  let seed = 1;
  const random = (n) => (seed = (seed * 48_271) % 2_147_483_647) % n;
  const signs = '012345678-/,[]{}":anx\\';
  let ended = 0;
  for (let round = 0; round < 1_500; round++) {
    const [text, ...rest] = ROWS[random(ROWS.length)];
    if (typeof text !== "string") continue;
    const at = random(text.length + 1);
    const row = [text.slice(0, at) + signs[random(signs.length)] + text.slice(at + random(2)), ...rest];
    if (isKnown(row)) continue;
    const result = await take(ours, row);
    assert.equal(result, await take(theirs, row), plain(row));
    if (result.includes("parse error")) ended++;
  }
  assert.ok(ended > 100 && ended < 1_400, `${ended} have ended the connection`);
});

test("what is sent is the same", async () => {
  const list = (n) => Array.from({ length: n }, (_, i) => i);
  const values = [
    ...[null, undefined, 0, -0, 1.5, NaN, Infinity, "", "中 🦊 \ud800", true, [], {}, [undefined]],
    ...[{ a: undefined, b: () => {} }, new Date(0), { toJSON: () => 7 }, { toJSON: () => bytes(9) }],
    ...[bytes(1, 2), new Uint8Array([3]), { deep: [{ er: bytes(4) }, bytes(5)] }, new DataView(bytes(6))],
    ...[{ at: new Date(0), bytes: bytes(7) }, { _placeholder: true, num: 0 }, list(20).map((i) => bytes(i))],
  ];
  const sent = [];
  for (const client of CLIENTS) {
    const world = new World(client);
    const socket = world.io("http://a.test", { transports: ["websocket"], auth: { a: [bytes(1)], b: 1 } });
    world.last.accept();
    world.last.receive('40{"sid":"s"}');
    await settled();
    for (const value of values) socket.emit("a", value);
    socket.emit("a", ...values.slice(0, 9), () => {});
    socket.emit(7, bytes(8), () => {});
    await settled();
    sent.push(world.last.sent.map((it) => (typeof it === "string" ? it : `bytes ${new Uint8Array(it.buffer ?? it)}`)));
  }
  assert.deepEqual(sent[0], sent[1]);
});
