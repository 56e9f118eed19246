// Figures of rooms that several processes share by way of Redis, a line for each.
//
//     npm ci && node figures.mjs [PATTERN]
//
// PATTERN  a regular expression: only what it matches. HEADCOUNT and REDIS_SERVER as in run.mjs
//
// Each is measured on one machine, with all nodes, Redis and the clients on it.

import assert from "node:assert/strict";
import { execFile, execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";

import { Client, HEADCOUNT, Redis, equal, pass, present, startNodes, timed, until } from "./harness.mjs";

const execute = promisify(execFile);
const wanted = new RegExp(process.argv[2] ?? "");

const sorted = (numbers) => [...numbers].sort((a, b) => a - b);
const at = (numbers, share) => sorted(numbers)[Math.floor((numbers.length - 1) * share)];
const median = (numbers) => at(numbers, 0.5);
const both = (numbers) =>
  `p50 ${at(numbers, 0.5).toFixed(2)} ms, p99 ${at(numbers, 0.99).toFixed(2)} ms`;
const say = (what, ...values) => console.log(`${what}: ${values.join("; ")}`);
const names = (count, name = "Name") => Array.from({ length: count }, (_, i) => `${name} ${i}`);

/** Does something for each, some at a time. */
async function each(all, act, width = 100) {
  const left = [...all.entries()];
  const work = async () => {
    for (let next; (next = left.shift()); ) await act(next[1], next[0]);
  };
  await Promise.all(Array.from({ length: width }, work));
}

/** Calls `act` so many times a second, for some seconds. */
async function pace(rate, seconds, act) {
  const start = performance.now();
  for (let i = 0; i < rate * seconds; i++) {
    const wait = start + (i * 1000) / rate - performance.now();
    if (wait > 1) await pass(wait);
    act(i);
  }
}

/** Seconds of CPU that a process has had. */
function cpu(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1].split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** Bytes that a process has received from Redis. */
function received(pid, redis) {
  const text = execFileSync("ss", ["-tinpH", "dport", "=", `:${redis.port}`], { encoding: "utf8" });
  const entry = text.split(/\n(?=\S)/).find((lines) => lines.includes(`pid=${pid},`));
  return Number(/bytes_received:(\d+)/.exec(entry)[1]);
}

/** How often Redis was asked for what, by everybody but those who look. */
async function commands(redis) {
  const text = await redis.call("INFO", "commandstats");
  const calls = [...text.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm)];
  const ours = calls.filter(([, name]) => !/info|config/.test(name));
  return Object.fromEntries(ours.map(([, name, count]) => [name, Number(count)]));
}

// ---- Changes -----------------------------------------------------------------------------------

/** Changes on one node, and when clients of it and of another one are told of them. */
async function changes(roomCount) {
  const redis = await Redis.start();
  const nodes = await startNodes(2, redis);
  const rooms = names(roomCount, "room");
  const setters = [];
  const seen = [new Map(), new Map()]; // by node: value → when
  const watchers = [];
  await each(rooms, async (room) => {
    for (const [i, node] of nodes.entries()) {
      const watcher = await Client.open(node, { room });
      watcher.socket.on("message", (data) => {
        const now = performance.now();
        const [event, { data: changed = {} }] = JSON.parse(data);
        if (event !== "change") return;
        for (const { value } of Object.values(changed)) seen[i].set(value, now);
      });
      watchers.push(watcher);
    }
    for (const name of names(200 / roomCount)) {
      setters.push(await Client.login(nodes[0], name, { room, view: "none" }));
    }
  });
  await until("all is quiet", async () => {
    for (const room of rooms) await equal(nodes, room);
    return true;
  });
  await redis.call("CONFIG", "RESETSTAT");
  const commits = () => watchers.reduce((sum, { events }) => sum + events.length, 0) / 2;
  const commitsBefore = commits();
  const sent = new Map();
  const seconds = 15;
  await pace(200, seconds, (i) => {
    sent.set(i, performance.now());
    setters[i % setters.length].say("set", { data: { value: i } });
  });
  const count = 200 * seconds;
  // On a busy machine some are changed again before they are told.
  await until("the last is seen", () => seen.every((all) => all.has(count - 1)));
  const asked = await commands(redis);
  const [here, there] = seen.map((all) => [...all].map(([value, when]) => when - sent.get(value)));
  const extra = [...seen[1]].filter(([value]) => seen[0].has(value));
  say(
    `200 changes/s in ${roomCount} room(s)`,
    `on the same node ${both(here)}`,
    `on another ${both(there)}`,
    `more by ${both(extra.map(([value, when]) => when - seen[0].get(value)))}`,
  );
  const publish = asked.publish / (commits() - commitsBefore);
  say(
    `commands of ${roomCount} room(s)`,
    `PUBLISH ${publish.toFixed(3)} for each room and commit, beats of 2 nodes among them`,
    `all: ${JSON.stringify(asked)} in ${seconds} s`,
  );
  await stop(nodes, redis);
}

// ---- One room of many --------------------------------------------------------------------------

async function follower() {
  const redis = await Redis.start();
  const [busy, idle] = await startNodes(2, redis);
  const rooms = names(100_000, "room");
  const PER_CONNECTION = 32;
  const connections = [];
  for (let i = 0; i < rooms.length; i += PER_CONNECTION) {
    connections.push(rooms.slice(i, i + PER_CONNECTION));
  }
  const clients = [];
  await each(connections, async (own) => {
    const client = await Client.open(busy, { room: own[0], rooms: own, view: "none" });
    for (const room of own) await client.login("Ada", { room });
    clients.push([client, own]);
  });
  const one = await Client.login(idle, "Eve", { room: "room 0" });
  await until("she sees the other", () => one.names().length === 2);
  const SECONDS = 10;
  const messages = () => idle.metric("headcount_nodes_messages_total");
  const look = async (act) => {
    const heard = await messages();
    const [bytes, time] = [received(idle.pid, redis), cpu(idle.pid)];
    const others = [cpu(busy.pid), cpu(redis.child.pid)];
    await act();
    const share = (now, before) => `${(((now - before) / SECONDS) * 100).toFixed(1)} %`;
    return [
      `${(((await messages()) - heard) / SECONDS).toFixed(1)} messages/s`,
      `${((received(idle.pid, redis) - bytes) / SECONDS).toFixed(0)} bytes/s from Redis`,
      `CPU ${share(cpu(idle.pid), time)} (of the busy node ${share(cpu(busy.pid), others[0])}, of ` +
        `Redis ${share(cpu(redis.child.pid), others[1])})`,
    ];
  };
  say("a node with 1 of 100,000 rooms, all quiet", ...(await look(() => pass(SECONDS * 1000))));
  const before = one.events.length;
  const published = (await commands(redis)).publish;
  const storm = await look(() =>
    pace(10_000, SECONDS, (i) => {
      const [client, own] = clients[i % clients.length];
      const room = own[Math.floor(i / clients.length) % own.length];
      client.say("set", { room, data: { value: i } });
    }),
  );
  const rate = ((await commands(redis)).publish - published) / SECONDS;
  say(
    `a node with 1 of 100,000 rooms, ${rate.toFixed(0)} changes/s in the others`,
    ...storm,
    `its client was told of ${one.events.length - before} changes`,
  );
  await stop([busy, idle], redis);
}

// ---- A big room --------------------------------------------------------------------------------

const HOLDS = ["--hold-closed-ms", "3600000", "--hold-lost-ms", "1000"];

async function bigRoom() {
  const redis = await Redis.start();
  const [full, fresh] = await startNodes(2, redis, ...HOLDS);
  const keeper = await Client.open(full, { room: "big", view: "none" });
  const all = names(10_000, "A name of some length");
  await each(all, async (name) => {
    const client = await Client.login(full, name, { room: "big", view: "none" });
    await client.end("leave"); // it is held
  });
  await until("all are there", async () => (await full.roster("big")).names.length === all.length);
  const enter = async (times) => {
    const client = await Client.open(fresh, { room: "big" });
    await until("the roster", () => client.began);
    assert.equal(client.names().length, all.length);
    times.push(client.began.receivedAt - client.openedAt);
    return client;
  };
  const [times, again] = [[], []];
  for (let i = 0; i < 21; i++) {
    const clients = [await enter(times), await enter(again)];
    await Promise.all(clients.map((client) => client.end()));
    // To ask for its roster would bring it back.
    await until("the room is given back", async () => (await fresh.metric("headcount_rooms")) === 0);
  }
  say(
    "the first client of a room of 10,000 names at another node, from its hello to its roster",
    `median ${median(times).toFixed(1)} ms, most ${Math.max(...times).toFixed(1)} ms`,
    `the second client: median ${median(again).toFixed(1)} ms`,
  );
  await keeper.end();
  await stop([full, fresh], redis);
}

// ---- A node that is killed ---------------------------------------------------------------------

async function killed() {
  const HOLD_MS = 5_000;
  const redis = await Redis.start();
  const [a, b, c] = await startNodes(3, redis, "--hold-lost-ms", HOLD_MS);
  const witness = await Client.login(a, "Witness");
  await Client.login(b, "Other", { view: "none" });
  const people = [];
  await each(names(5_000), async (name, i) => {
    const from = await Client.login(c, name, { view: "none" });
    people.push({ from, comesBack: i % 2 === 0 });
  });
  await until("all are seen", () => witness.names().length === people.length + 2, 20_000);
  witness.news();
  const start = performance.now();
  await c.kill();
  const back = people.filter(({ comesBack }) => comesBack);
  let resumed = 0;
  await each(back, async ({ from }) => {
    const client = await Client.open(b, { from, view: "none" });
    resumed += client.resumed.length;
  });
  const backAfter = performance.now() - start;
  const frames = witness.events.length;
  const count = 2 + back.length;
  const most = 10_000 + HOLD_MS + 5_000;
  await until("the others are gone", () => witness.names().length === count, most);
  const gone = performance.now() - start;
  // So many at once may be told as a new roster.
  const here = new Set(witness.names());
  const returned = back.filter(({ from }) => here.has(from.name));
  say(
    `kill -9 of a node of ${people.length} names, hold ${HOLD_MS} ms`,
    `${back.length} were at another node after ${backAfter.toFixed(0)} ms, ${resumed} resumed`,
    `frames to others meanwhile ${frames}`,
    `the other ${people.length - back.length} were gone after ${gone.toFixed(0)} ms`,
    `of those who came back ${back.length - returned.length} left`,
  );
  await stop([a, b], redis);
}

// ---- Many sockets ------------------------------------------------------------------------------

/** Bytes in which the kernel keeps sockets, with both ends of each here. */
function kernelBytes() {
  const read = (file, pattern) => Number(pattern.exec(readFileSync(file, "utf8"))[1]);
  const slab = read("/proc/meminfo", /^Slab: +(\d+) kB/m) * 1024;
  return slab + read("/proc/net/sockstat", /^TCP:.* mem (\d+)/m) * 4096;
}

/** Bytes of memory that a process has. */
const memory = (pid) =>
  Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))[1]) * 1024;

async function manySockets() {
  const [NODES, SOCKETS, NAMES] = [8, 12_000, 10_000];
  const redis = await Redis.start();
  const nodes = await startNodes(NODES, redis);
  const total = (values) => values.reduce((sum, value) => sum + value, 0);
  const inNodes = () => total(nodes.map(({ pid }) => memory(pid)));
  const before = [inNodes(), kernelBytes()];
  const people = names(NAMES);
  await each(people, (name, i) => Client.login(nodes[i % NODES], name, { view: "none" }));
  // Each is told and compares what it has with its node, with two minutes between.
  const SECONDS = 120;
  const readers = nodes.map(({ url }) => {
    const clients = String(SOCKETS - NAMES / NODES);
    const own = ["--url", url.replace("http", "ws"), "--seconds", String(SECONDS)];
    const args = ["bench", "idle", "-n", clients, ...own, "--patience", "120"];
    return timed(async () => {
      const { stdout } = await execute(HEADCOUNT, args);
      assert.match(stdout, /all \d+ rosters are the server's/);
    });
  });
  const all = NODES * SOCKETS;
  const connections = async () =>
    total(await Promise.all(nodes.map((node) => node.metric("headcount_connections"))));
  await until("all are connected", async () => (await connections()) >= all, 300_000);
  await pass((SECONDS * 1000) / 2);
  const bytes = [inNodes() - before[0], kernelBytes() - before[1]].map((bytes) => bytes / all);
  const late = await Client.login(nodes[0], "Late", { view: "none" });
  const took = await timed(() => equal(nodes, "", 60_000));
  assert.ok((await connections()) > all);
  const told = Math.max(...(await Promise.all(readers))) / 1000 - SECONDS;
  say(
    `${NODES} nodes of ${SOCKETS} sockets, one roster of ${NAMES} names`,
    `all have been told, and compared, after ${told.toFixed(1)} s`,
    `memory for each: ${bytes[0].toFixed(0)} bytes in nodes, ${bytes[1].toFixed(0)} in the kernel`,
    `then one more: nodes are equal after ${took.toFixed(0)} ms, and all clients have what these have`,
  );
  await late.end();
  await stop(nodes, redis);
}

// ---- Redis that comes back ---------------------------------------------------------------------

async function restarted() {
  const redis = await Redis.start();
  const nodes = await startNodes(3, redis);
  const rooms = names(200, "room");
  const clients = [];
  for (const [i, node] of nodes.entries()) {
    await each(rooms, async (room) => {
      clients.push(await Client.login(node, `Person ${i}`, { room, view: "none" }));
    });
  }
  const all = nodes.map((_, i) => `Person ${i}`);
  for (const room of rooms) await present(nodes, all, room);
  const times = [];
  for (let round = 0; round < 7; round++) {
    await redis.kill();
    await until("it is away", async () => (await nodes[0].health())[0] === 503);
    clients.forEach((client) => client.say("set", { data: { round } }));
    await pass(2_000);
    await redis.revive();
    times.push(
      await timed(() =>
        until("all are equal", async () => {
          for (const room of rooms) {
            const { data } = await equal(nodes, room);
            if (!all.every((name) => data?.[name]?.round === round)) return false;
          }
          return true;
        }, 20_000),
      ),
    );
  }
  say(
    "200 rooms on 3 nodes, all changed while Redis was away for 2 s",
    `equal after ${median(times).toFixed(0)} ms (median), ${Math.max(...times).toFixed(0)} ms (most)`,
  );
  await stop(nodes, redis);
}

const stop = (nodes, redis) => Promise.all([...nodes, redis].map((program) => program.kill()));

const FIGURES = {
  "changes in one room": () => changes(1),
  "changes in many rooms": () => changes(200),
  "one room of many": follower,
  "big room": bigRoom,
  "killed node": killed,
  "many sockets": manySockets,
  "Redis restarted": restarted,
};
for (const [what, measure] of Object.entries(FIGURES)) {
  if (wanted.test(what)) await measure();
}
process.exit();
