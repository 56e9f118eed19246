// Redis that is killed, emptied, failed over, demoted, paused and full.

import assert from "node:assert/strict";

import { Client, Redis, equal, pass, present, startNodes, test, told, until } from "./harness.mjs";

const BACK_MS = 5_000; // all are equal within this, once Redis is back

/** Nearly as much as a client may have. */
const data = { it: "x".repeat(900) };

/** Nodes that have a client each, and all that these were told is seen. */
async function world(count, redis, ...flags) {
  const nodes = await startNodes(count, redis, ...flags);
  const people = await Promise.all(nodes.map((node, i) => Client.login(node, `Person ${i}`)));
  const names = people.map(({ name }) => name);
  await present(nodes, names);
  const { digest } = await equal(nodes);
  for (const client of people) await told(client, digest);
  people.forEach((client) => client.news());
  return { nodes, people, names, digest };
}

const healths = async (nodes, expected, ms) =>
  until(
    `all say ${expected} on /readyz, and 200 on /healthz`,
    async () => {
      for (const node of nodes) assert.deepEqual(await node.health(), [expected, 200]);
      return true;
    },
    ms,
  );

/** All have these names and what they were told is that; nobody was told that anybody else left. */
async function converge({ nodes, people }, names, left = [], ms = BACK_MS) {
  await present(nodes, names, "", ms);
  const { digest } = await equal(nodes);
  for (const client of people.filter(({ isOpen }) => isOpen)) {
    await told(client, digest);
    assert.deepEqual(client.left().filter((name) => !left.includes(name)), [], client.name);
  }
}

test("Redis is killed and started again, empty: nobody leaves", async () => {
  const redis = await Redis.start();
  const all = await world(3, redis);
  await redis.kill();
  await healths(all.nodes, 503);
  await pass(2_000); // longer than a hold
  await redis.revive();
  await healths(all.nodes, 200);
  await all.people[0].set({ data: { it: "works" } });
  await until("it works", async () => (await equal(all.nodes)).data?.["Person 0"]);
  await converge(all, all.names);
});

test("changes on both sides while Redis is away are everywhere when it is back", async () => {
  const redis = await Redis.start();
  const all = await world(3, redis, "--hold-closed-ms", 500);
  const [a, b, c] = all.nodes;
  const rooms = [
    await Client.login(a, "Ada", { room: "r" }),
    await Client.login(b, "Bob", { room: "r" }),
  ];
  await present([a, b], ["Ada", "Bob"], "r");
  await redis.kill();
  await healths(all.nodes, 503);
  // Somebody comes, somebody leaves, somebody has another name, others have other data.
  all.people.push(await Client.login(a, "Newcomer"));
  await all.people[1].end();
  await all.people[2].login("Person 3");
  await all.people[0].set({ status: "idle", data: { while: "away" } });
  await rooms[0].ask("logout");
  await rooms[1].set({ data: { while: "away" } });
  const late = await Client.login(b, "Late", { room: "new" });
  const later = await Client.login(a, "Later", { room: "new" });
  await present([a], ["Person 0", "Person 1", "Person 2", "Newcomer"]);
  await pass(3_000);
  await redis.revive();
  const start = performance.now();
  all.nodes = [a, c]; // the other one has nobody in the room any more
  await converge(all, ["Newcomer", "Person 0", "Person 3"], ["Person 1", "Person 2"]);
  await present([a, b], ["Bob"], "r");
  await present([a, b], ["Late", "Later"], "new");
  const ms = performance.now() - start;
  assert.ok(ms < BACK_MS, `after ${ms} ms`);
  const roster = await equal(all.nodes);
  assert.deepEqual([roster.status, roster.data], [
    { "Person 0": "idle" },
    { "Person 0": { while: "away" } },
  ]);
  const room = await equal([a, b], "r");
  assert.deepEqual(room.data, { Bob: { while: "away" } });
  for (const client of rooms) await told(client, room.digest);
  const other = await equal([a, b], "new");
  for (const client of [late, later]) await told(client, other.digest);
});

test("a client that changes nodes while Redis is away is seen by nobody", async () => {
  const redis = await Redis.start();
  const all = await world(3, redis, "--hold-closed-ms", 500, "--hold-lost-ms", 500);
  const [a, b] = all.nodes;
  const ada = await Client.login(a, "Ada");
  await present(all.nodes, [...all.names, "Ada"]);
  await redis.kill();
  await healths(all.nodes, 503);
  await ada.end("leave");
  const again = await Client.open(b, { from: ada });
  assert.deepEqual(again.resumed, [""]); // of what this node knows
  all.people.push(again);
  await pass(1_500); // longer than the hold at the first node
  await redis.revive();
  await healths(all.nodes, 200);
  await pass(3_000); // holds go on
  await converge(all, [...all.names, "Ada"]);
  await again.end();
  await converge(all, all.names, ["Ada"]);
});

test("FLUSHALL and FLUSHDB change nothing: nothing is stored", async () => {
  const redis = await Redis.start();
  const all = await world(2, redis);
  assert.equal(await redis.call("DBSIZE"), "0");
  await redis.call("FLUSHALL");
  await all.people[0].set({ data: { after: "flush" } });
  await until("it works", async () => (await equal(all.nodes)).data?.["Person 0"]);
  await converge(all, all.names);
  assert.equal(await redis.call("DBSIZE"), "0");
});

test("when the grace is over those of other nodes leave, and come back with Redis", async () => {
  const redis = await Redis.start();
  const all = await world(3, redis, "--partition-grace-ms", 1_500);
  const start = performance.now();
  await redis.kill();
  for (const [i, node] of all.nodes.entries()) await present([node], [all.names[i]]);
  const ms = performance.now() - start;
  assert.ok(ms >= 1_400, `after ${ms} ms`);
  for (const client of all.people) assert.equal(client.left().length, 2);
  await healths(all.nodes, 503);
  await redis.revive();
  await converge(all, all.names);
});

test("all connections are killed: nobody leaves", async () => {
  const redis = await Redis.start();
  const all = await world(3, redis, "--partition-grace-ms", 5_000);
  for (let round = 0; round < 5; round++) {
    await redis.call("CLIENT", "KILL", "SKIPME", "yes");
    await all.people[0].set({ data: { round } });
    await until(`round ${round} is told`, async () => {
      return (await equal(all.nodes)).data?.["Person 0"]?.round === round;
    });
  }
  await converge(all, all.names);
  await healths(all.nodes, 200);
});

test("the primary is killed, and its replica takes over: nobody leaves", async () => {
  const first = await Redis.start("--repl-diskless-sync-delay", 0);
  const second = await Redis.start("--replicaof", `${first.host} ${first.port}`);
  await until("it is a replica", async () => {
    return (await second.info("replication", "master_link_status")) === "up";
  });
  const all = await world(3, [first, second]);
  await first.kill();
  await healths(all.nodes, 503);
  await pass(1_000);
  await healths(all.nodes, 503); // a replica is none to write to
  await second.call("REPLICAOF", "NO", "ONE");
  const start = performance.now();
  await healths(all.nodes, 200);
  await all.people[2].set({ data: { on: "the second" } });
  await until("it works", async () => (await equal(all.nodes)).data?.["Person 2"]);
  await converge(all, all.names);
  const ms = performance.now() - start;
  assert.ok(ms < BACK_MS, `after ${ms} ms`);
});

test("a primary that is demoted is noticed, and the other one is found", async () => {
  const first = await Redis.start();
  const second = await Redis.start();
  const all = await world(2, [first, second]);
  assert.equal(await second.info("clients", "connected_clients"), "1"); // who asks
  await first.call("REPLICAOF", second.host, second.port);
  const connected = async () => Number(await second.info("clients", "connected_clients"));
  await until("both are at the other one", async () => (await connected()) === 3, 15_000);
  await healths(all.nodes, 200);
  await all.people[0].set({ data: { on: "the second" } });
  await until("it works", async () => (await equal(all.nodes)).data?.["Person 0"]);
  await converge(all, all.names);
});

for (const [what, ms, act] of [
  ["CLIENT PAUSE of 3 s", 3_000, (redis) => redis.call("CLIENT", "PAUSE", "3000", "ALL")],
  ["SIGSTOP of 3 s", 3_000, (redis) => redis.signal("SIGSTOP")],
  ["SIGSTOP of 12 s", 12_000, (redis) => redis.signal("SIGSTOP")],
]) {
  test(`${what}: nobody leaves, and what changed meanwhile is told`, async () => {
    const redis = await Redis.start();
    const all = await world(3, redis, "--hold-lost-ms", 1);
    const paused = pass(ms);
    await act(redis);
    await all.people[0].set({ data: { while: "paused" } });
    const newcomer = await Client.login(all.nodes[1], "Newcomer", { room: "new" });
    await until("a new room does not wait for it", () => newcomer.names().length === 1, 1_500);
    // The next word is 4 s away at most, and is to be answered within 5 s.
    if (ms > 10_000) await healths(all.nodes, 503, 10_000);
    await paused;
    redis.signal("SIGCONT");
    const start = performance.now();
    await until("it is told", async () => (await equal(all.nodes)).data?.["Person 0"], BACK_MS);
    await converge(all, all.names);
    const late = performance.now() - start;
    assert.ok(late < BACK_MS, `after ${late} ms`);
    await healths(all.nodes, 200);
  });
}

test("a server without memory hands on messages all the same", async () => {
  const redis = await Redis.start("--maxmemory", "4mb", "--maxmemory-policy", "noeviction");
  const filler = "x".repeat(100_000);
  await until("it is full", async () => {
    const said = await redis.call("SET", `key ${Math.random()}`, filler).catch(String);
    return said.includes("OOM");
  });
  const all = await world(3, redis);
  await all.people[0].set({ data: { it: "works" } });
  await until("it works", async () => (await equal(all.nodes)).data?.["Person 0"]);
  await converge(all, all.names);
});

test("a part is larger than what may wait for a subscriber: nobody is cut off", async () => {
  const limit = ["--client-output-buffer-limit", "pubsub", "1mb", "512kb", "5"];
  const redis = await Redis.start(...limit);
  const [one, other] = await startNodes(2, redis);
  const crowd = [];
  for (let i = 0; i < 1_500; i++) {
    crowd.push(await Client.login(one, `Person ${i}`, { view: "count", options: { data } }));
  }
  const changes = setInterval(() => crowd[7].set({ data: { at: Date.now() } }), 3).unref();
  const late = await Client.login(other, "Late");
  const names = [...crowd.map(({ name }) => name), late.name];
  await present([one, other], names);
  clearInterval(changes);
  await crowd[7].set({ data: { at: 0 } });
  const isLast = async () => {
    const roster = await equal([one, other]);
    return roster.data["Person 7"].at === 0 && roster;
  };
  const { digest } = await until("the last change is there", isLast);
  await told(late, digest);
  assert.deepEqual(late.left(), []);
  for (const node of [one, other]) {
    assert.equal(await node.metric("headcount_redis_connects_total"), 1);
  }
});

// ---- What others say on our channels -----------------------------------------------------------

const NODE = "00000000000000ab";
const GARBAGE = [
  "",
  "hello",
  "{}",
  "[]",
  "null",
  "\xff\xfe",
  `{"v":2}`,
  `{"v":1,"from":"${NODE}","beat":1}`,
  `{"v":3,"from":"${NODE}","head":[1,1,"0000000000000001"]}`,
  `{"v":2,"from":"${NODE}","head":[1]}`,
  `{"v":2,"from":"x","bye":true}`,
  `{"v":2,"from":"${NODE}","head":[1,1,"0000000000000001"],"after":0,"set":[[1]]}`,
  `{"v":2,"from":"${NODE}","head":[1,1,"zz"],"after":0}`,
  `{"v":2,"from":"${NODE}","ask":[1,[["",1]]]}`,
  `{"v":2,"from":"${NODE}","answer":[1,[["",1,1,"0000000000000001",[1,1,[]]]]]}`,
  "x".repeat(100_000),
];

/** Says all of it on the channels of a room and of the nodes. */
async function publish(redis, messages) {
  const found = (await redis.call("PUBSUB", "CHANNELS")).split("\n");
  assert.ok(found.length >= 2, `channels: ${found}`);
  for (const channel of found) {
    for (const message of messages) {
      assert.ok(Number(await redis.call("PUBLISH", channel, message)) >= 1, channel);
    }
  }
  return found.length * messages.length;
}

test("foreign messages on our channels are ignored", async () => {
  const redis = await Redis.start();
  const all = await world(2, redis);
  await publish(redis, GARBAGE);
  await all.people[0].set({ data: { it: "works" } });
  await until("it works", async () => (await equal(all.nodes)).data?.["Person 0"]);
  await converge(all, all.names);
  assert.ok(all.people.every(({ isOpen }) => isOpen));
  await healths(all.nodes, 200);
});

test("foreign messages are counted", async () => {
  const redis = await Redis.start();
  const { nodes } = await world(2, redis);
  const count = await publish(redis, GARBAGE);
  for (const node of nodes) {
    const counted = () => node.metric("headcount_nodes_messages_foreign_total");
    await until("each that it hears is counted", async () => (await counted()) > count / 2);
    assert.ok((await counted()) <= count);
  }
});

test("a part that a foreigner makes up is gone after the time of a node that is silent", async () => {
  const redis = await Redis.start();
  const all = await world(2, redis);
  const channels = (await redis.call("PUBSUB", "CHANNELS")).split("\n");
  const room = channels.find((channel) => channel.includes(":room:"));
  const member = `[4,"Ghost",null,0,1,1,[]]`;
  const head = `"head":[1,1,"0000000000000001"]`;
  await redis.call("PUBLISH", room, `{"v":2,"from":"${NODE}",${head},"after":0,"set":[${member}]}`);
  await converge(all, all.names, ["Ghost"], 15_000);
});
