// The official client through proxies: with its default options, which begin with long-polling and
// move to a WebSocket, and with long-polling alone.
//
//     npm ci && node through.mjs NAME=URL…
//
// All of them are before the same server. Prints a line for everything that was shown.

import assert from "node:assert/strict";

import { io } from "socket.io-client";

const proxies = process.argv.slice(2).map((argument) => {
  const [, name, url] = /^(\w+)=(.+)$/.exec(argument);
  return { name, url };
});

const PATIENCE = 20_000; // ms
const CHANGES = 4; // of its name that a client may make in a minute, less one
const WAYS = { "default options": {}, "long-polling alone": { transports: ["polling"] } };

const clients = proxies.flatMap(({ name, url }) =>
  Object.entries(WAYS).map(([way, options]) => {
    const socket = io(url, { ...options, forceNew: true, reconnection: false });
    const client = { name, way, socket, label: `${way} by ${name}`, names: [], lists: 0 };
    socket.on("login", (names) => Object.assign(client, { names, lists: client.lists + 1 }));
    return client;
  }),
);

async function until(condition, what) {
  for (const end = Date.now() + PATIENCE; !condition(); ) {
    assert.ok(Date.now() < end, what());
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

const see = (names) =>
  until(
    () => clients.every((client) => client.names.join() === names.join()),
    () => `these are to be seen: ${names}\n${clients.map(({ label, names }) => `${label} sees: ${names}`).join("\n")}`,
  );
const login = ({ socket }, name) => socket.timeout(PATIENCE).emitWithAck("login", name);
const transport = ({ socket }) => socket.io.engine.transport.name;

await Promise.all(clients.map((client) => login(client, client.label)));
await see(clients.map(({ label }) => label).sort());
await until(
  () => clients.every((one) => transport(one) === (one.way === "default options" ? "websocket" : "polling")),
  () => clients.map((one) => `${one.label}: ${transport(one)}`).join("\n"),
);

// Changes, and a request with a long body, which is understood as a whole.
for (let n = 1; n <= CHANGES; n++) {
  await Promise.all(clients.map((client) => login(client, `${client.label} ${n}`)));
}
await see(clients.map(({ label }) => `${label} ${CHANGES}`).sort());
for (const client of clients) {
  const refusal = await login(client, "x".repeat(10_000));
  assert.equal(refusal.code, "name_too_long", client.label);
}

// A request that waits is not cut while nothing happens, and one whose client is gone ends.
const { lists } = clients[0];
await new Promise((resolve) => setTimeout(resolve, Number(process.env.IDLE ?? 30) * 1_000));
for (const client of clients) assert.equal(client.socket.connected, true, `${client.label} was cut`);
assert.equal(clients[0].lists, lists);
while (clients.length > 1) {
  clients.pop().socket.disconnect();
  await see(clients.map(({ label }) => `${label} ${CHANGES}`).sort());
}
for (const { name } of proxies) {
  for (const way of Object.keys(WAYS)) console.log(`${name}: socket.io-client with ${way} ok`);
}
process.exit();
