// One roster on several nodes, while Redis and all nodes are well.

import assert from "node:assert/strict";

import { Client, Redis, equal, present, startNodes, test, told, until } from "./harness.mjs";

const ROOMS = ["", "a", "b/c", "日本 %"];
const STATUSES = ["active", "idle", "hidden"];

/** Numbers that are the same in each run. */
function dice(seed) {
  return (most) => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((seed / 2 ** 32) * most);
  };
}

for (const count of [2, 5]) {
  test(`${count} nodes have the same names, status and data in all rooms`, async () => {
    const redis = await Redis.start();
    const nodes = await startNodes(count, redis);
    const pick = dice(count);
    const clients = [];
    for (const [i, room] of Object.entries(ROOMS)) {
      for (const node of nodes) {
        const client = await Client.open(node, { room });
        clients.push(Object.assign(client, { node, own: `Own ${clients.length}`, index: i }));
      }
    }
    const expected = new Map(); // by client: its own name, status, data
    for (let i = 0; i < 400; i++) {
      const client = clients[pick(clients.length)];
      const was = expected.get(client);
      const kind = was ? pick(10) : 0;
      if (kind === 9) {
        await client.ask("logout");
        expected.delete(client);
      } else if (kind === 8) {
        was.name = `${client.own}${"abc"[pick(3)]}`;
        await client.login(was.name);
      } else if (kind >= 4) {
        const key = "xyz"[pick(3)];
        const value = [null, i, `ü ${i}`, [{ b: i, a: null }]][pick(4)];
        if (value === null) delete was.data[key];
        else was.data[key] = value;
        await client.set({ data: { [key]: value } });
      } else if (kind >= 1) {
        was.status = STATUSES[pick(3)];
        await client.set({ status: was.status });
      } else if (!was) {
        expected.set(client, { name: client.own, status: "active", data: {} });
        await client.login(client.own);
      }
    }
    for (const room of ROOMS) {
      const people = [...expected].filter(([{ room: own }]) => own === room).map(([, is]) => is);
      await present(nodes, people.map(({ name }) => name), room);
      // Nodes may agree on what was so before the last commits.
      const roster = await until(`${room} is as it was set`, async () => {
        const roster = await equal(nodes, room);
        for (const { name, status, data } of people) {
          assert.equal(roster.status?.[name] ?? "active", status, name);
          assert.deepEqual(roster.data?.[name] ?? {}, data, name);
        }
        return roster;
      });
      for (const client of clients.filter(({ room: own }) => own === room)) {
        await told(client, roster.digest);
      }
    }
    await Promise.all(clients.map((client) => client.end()));
    for (const room of ROOMS) await present(nodes, [], room);
  });
}

test("a person with tabs on two nodes is one entry", async () => {
  const redis = await Redis.start();
  const [a, b, c] = await startNodes(3, redis);
  const witness = await Client.open(c);
  const first = await Client.login(a, "Ada", {
    options: { status: "hidden", data: { device: "phone", page: 1 } },
  });
  await present([a, c], ["Ada"]);
  const second = await Client.login(b, "Ada", { options: { data: { device: "desk" } } });
  const merged = await until("both are one", async () => {
    const roster = await equal([a, b, c]);
    return roster.data?.Ada?.device === "desk" && roster;
  });
  assert.deepEqual(merged.names, ["Ada"]);
  assert.deepEqual(merged.data, { Ada: { device: "desk", page: 1 } });
  assert.equal(merged.status, undefined); // the most active one
  await second.end();
  const alone = await until("the first is left", async () => {
    const roster = await equal([a, c]);
    return roster.data?.Ada?.device === "phone" && roster;
  });
  assert.deepEqual(alone.status, { Ada: "hidden" });
  await told(witness, alone.digest);
  assert.equal(witness.news().flatMap(([, { left = [] }]) => left).length, 0);
  await first.end();
  await until("all have left", () => witness.names().length === 0);
  assert.deepEqual(witness.left(), ["Ada"]);
});

test("what is set on two nodes at once is the same on all of them", async () => {
  const redis = await Redis.start();
  const nodes = await startNodes(3, redis);
  const tabs = await Promise.all(nodes.map((node) => Client.login(node, "Ada")));
  for (let round = 0; round < 50; round++) {
    const all = tabs.map((tab, i) => tab.set({ data: { key: [round, i] }, status: STATUSES[i] }));
    await Promise.all(all);
    await until(`round ${round} is the same everywhere`, async () => {
      const roster = await equal(nodes);
      return roster.data?.Ada.key[0] === round && roster.status === undefined;
    });
  }
  const roster = await equal(nodes);
  for (const tab of tabs) await told(tab, roster.digest);
});

/** Ada goes from one node to another by `how`, and a third one has the witness. */
async function move(how, { isFollowed, keeps, isLate = false }) {
  const redis = await Redis.start();
  const [a, b, c] = await startNodes(3, redis, "--hold-closed-ms", "5000");
  const others = [await Client.login(c, "Bob")];
  if (isFollowed) others.push(await Client.login(b, "Eve"));
  const data = { page: 1 };
  const ada = await Client.login(a, "Ada", { options: { status: "idle", data } });
  await present([a, c], ["Ada", "Bob", ...(isFollowed ? ["Eve"] : [])]);
  const { digest } = await equal([a, c]);
  for (const one of [ada, ...others]) await told(one, digest);
  others.forEach((other) => other.news());

  if (!isLate) await ada.end(how);
  const again = await Client.open(b, { from: ada, keeps });
  if (isLate) await ada.end(how);
  assert.deepEqual(again.resumed, [""]);
  await told(again, digest);
  // What happens later is told later: so whatever there was to be told was told before.
  await again.set({ data: { page: 2 } });
  const after = await until("all have what came later", async () => {
    const roster = await equal([b, c]);
    return roster.data?.Ada?.page === 2 && roster;
  });
  for (const other of others) {
    await told(other, after.digest);
    const news = other.news().map(([event, { joined, left, status, data }]) => {
      return [event, joined, left, status, data];
    });
    assert.deepEqual(news, [["change", [], [], undefined, { Ada: { page: 2 } }]]);
  }
  assert.deepEqual(after.status, { Ada: "idle" });
  return again;
}

for (const isFollowed of [true, false]) {
  const room = isFollowed ? "has the room" : "has not got the room yet";
  test(`a reload at another node, which ${room}, is seen by nobody`, async () => {
    const again = await move("leave", { isFollowed, keeps: true });
    assert.equal(again.began.event, "change"); // its copy is known by its content
    assert.ok(again.began.isMark);
  });
}

test("a reload at another node is resumed there, also if Redis is slow", async () => {
  const redis = await Redis.start();
  const [a, b] = await startNodes(2, redis, "--hold-closed-ms", "5000");
  const ada = await Client.login(a, "Ada");
  await until("she is told", () => ada.names().length === 1);
  await ada.end("leave");
  await redis.call("CLIENT", "PAUSE", "100", "ALL"); // what a node waits for is answered later
  const again = await Client.open(b, { from: ada });
  assert.deepEqual(again.resumed, [""]);
  await until("her copy is known", () => again.began?.isMark, 1_000);
});

test("a lost connection that comes back to another node is seen by nobody", async () => {
  const again = await move("drop", { isFollowed: true, keeps: true });
  assert.equal(again.began.event, "change");
});

test("who comes to another node without a copy is sent a roster, and is seen by nobody", async () => {
  const again = await move("leave", { isFollowed: false, keeps: false });
  assert.equal(again.began.event, "roster");
});

test("a reload that overtakes the end of its old connection is seen by nobody", async () => {
  await move("leave", { isFollowed: true, keeps: true, isLate: true });
});

test("a login is held where it was, and is gone everywhere when that is over", async () => {
  const redis = await Redis.start();
  const nodes = await startNodes(2, redis, "--hold-closed-ms", "500");
  const witness = await Client.open(nodes[1]);
  const ada = await Client.login(nodes[0], "Ada");
  await present(nodes, ["Ada"]);
  const start = performance.now();
  await ada.end("leave");
  await until("she is gone", () => witness.names().length === 0);
  const ms = performance.now() - start;
  assert.ok(ms >= 490 && ms < 1_500, `after ${ms} ms`);
});

test("rooms of two databases have nothing to do with each other", async () => {
  const redis = await Redis.start();
  const [a, b] = await startNodes(2, redis);
  const [c] = await startNodes(1, { url: `${redis.url}/1` });
  const all = [];
  for (const [node, name] of [[a, "Ada"], [b, "Bob"], [c, "Eve"]]) {
    all.push(await Client.login(node, name));
  }
  await present([a, b], ["Ada", "Bob"]);
  await present([c], ["Eve"]);
  assert.ok(all.every((client) => client.isRight()));
});

test("the first client of a big room at a node is told of all at once", async () => {
  const redis = await Redis.start();
  const [a, b] = await startNodes(2, redis, "--hold-closed-ms", "60000");
  const names = Array.from({ length: 2_000 }, (_, i) => `Name ${i}`);
  const left = [...names];
  const keeper = await Client.open(a, { view: "none" });
  const login = async () => {
    for (let name; (name = left.pop()); ) {
      await (await Client.login(a, name, { view: "none" })).end("leave"); // it is held
    }
  };
  await Promise.all(Array.from({ length: 50 }, login));
  await present([a], names);
  for (let round = 0; round < 5; round++) {
    const first = await Client.open(b);
    await until("it is told of all", () => first.isRight() && first.names().length === 2_000);
    assert.deepEqual(first.news().map(([event, { names }]) => [event, names.length]), [
      ["roster", 2_000],
    ]);
    await first.end();
    await until("the room is given back", async () => (await b.metric("headcount_rooms")) === 0);
  }
  assert.ok(keeper.isRight());
});
