// The id by which headcount knows a tab again: where it is kept, and when it is said.
//
//     npm ci && node --test

import assert from "node:assert/strict";
import { webcrypto } from "node:crypto";
import { test } from "node:test";

import { World, settled } from "./world.mjs";

const ID = /^[0-9a-f]{32}$/;

function storage(items = new Map()) {
  return {
    items,
    getItem: (key) => items.get(key) ?? null,
    setItem: (key, text) => items.set(key, text),
  };
}

/** A page of a tab that has such a storage. */
const load = (sessionStorage) => new World("our client", { sessionStorage, crypto: webcrypto });

/** The payload of the last CONNECT packet. */
async function said(world, socket = world.last) {
  socket.accept();
  await settled();
  const packet = socket.sent.at(-1);
  return JSON.parse(packet.replace(/^40(\/[^,]*,)?/, "") || "null");
}

test("a tab has an id, through reconnects and reloads", async () => {
  const tab = storage();
  const world = load(tab);
  world.io("http://a.test");
  const { client, ...more } = await said(world);
  assert.match(client, ID);
  assert.deepEqual(more, {});
  world.last.end();
  await world.tick(1_500);
  assert.deepEqual(await said(world), { client });
  const reloaded = load(tab);
  reloaded.io("http://a.test");
  assert.deepEqual(await said(reloaded), { client });
  const other = load(storage());
  other.io("http://a.test");
  assert.notEqual((await said(other)).client, client);
});

test("it is said in every namespace, beside what the page says, which may be another", async () => {
  const world = load(storage());
  world.io("http://a.test", { auth: { token: 7 } });
  const { client, token } = await said(world);
  assert.match(client, ID);
  assert.equal(token, 7);
  world.io("http://a.test/doc-1", { auth: (give) => give({ client: "mine" }) });
  await settled();
  assert.equal(world.last.sent.at(-1), '40/doc-1,{"client":"mine"}');
});

test("of a page's connections to one server the first has it, until it is over", async () => {
  const world = load(storage());
  const first = world.io("http://a.test", { forceNew: true });
  const { client } = await said(world);
  world.io("http://a.test", { forceNew: true });
  assert.equal(await said(world), null);
  world.io("http://b.test", { forceNew: true });
  assert.notEqual((await said(world)).client, client);
  first.disconnect();
  world.io("http://a.test", { forceNew: true });
  assert.deepEqual(await said(world), { client });
});

for (const [what, page] of [
  ["is none", {}],
  [
    "is blocked",
    {
      get sessionStorage() {
        throw new Error("denied");
      },
    },
  ],
  ["is full", { sessionStorage: { getItem: () => null, setItem: () => assert.fail("full") } }],
]) {
  test(`where the storage ${what} there is no id, and all works as it does`, async () => {
    const world = new World("our client", { crypto: webcrypto });
    Object.defineProperties(world.global, Object.getOwnPropertyDescriptors(page));
    const socket = world.io("http://a.test");
    assert.equal(await said(world), null);
    world.last.receive('40{"sid":"s"}');
    await settled();
    assert.equal(socket.connected, true);
  });
}
