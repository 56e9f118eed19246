// Nodes that are killed, stopped and paused.

import assert from "node:assert/strict";

import { Client, Node, Redis, equal, pass, present, startNodes, test, told, until } from "./harness.mjs";

const SILENT_MS = 10_000; // a node that says nothing for so long is gone
const SLACK_MS = 1_500;

/** What a page does that comes back: it logs in again, unless it is still there. */
async function comeBack(node, from, options) {
  const client = await Client.open(node, { from });
  if (!client.resumed.includes("")) await client.login(from.name, options);
  return client;
}

const crowd = (node, count, name, options) =>
  Promise.all(Array.from({ length: count }, (_, i) => Client.login(node, `${name} ${i}`, options)));

test("the names of a node that is killed are gone in time, but for those who come back", async () => {
  const redis = await Redis.start();
  const hold = 2_000;
  const [a, b, c] = await startNodes(3, redis, "--hold-lost-ms", hold);
  const witness = await Client.login(a, "Witness");
  await Client.login(b, "Other");
  const options = { status: "idle", data: { page: 1 } };
  const stayers = await crowd(c, 10, "Back", { options });
  const goners = await crowd(c, 10, "Gone");
  const names = ["Other", "Witness", ...[...stayers, ...goners].map(({ name }) => name)];
  await present([a, b, c], names);
  await told(witness, (await equal([a, b, c])).digest);
  witness.news();

  const start = performance.now();
  await c.kill();
  const back = [];
  for (const from of stayers) back.push(await Client.open(b, { from }));
  for (const client of back) {
    assert.deepEqual(client.resumed, [""]);
    assert.ok(client.began === undefined || client.began.event === "change");
  }
  await present([a, b], names); // nobody is gone yet
  assert.deepEqual(witness.news(), []);
  const most = SILENT_MS + hold + SLACK_MS;
  await until("the others are gone", () => witness.names().length === 12, most);
  const ms = performance.now() - start;
  assert.ok(ms > hold, `after ${ms} ms`);
  const left = witness.news().flatMap(([, body]) => [...body.joined, ...body.left]);
  assert.deepEqual(left.sort(), goners.map(({ name }) => name).sort());
  await equal([a, b]);
  for (const client of back) assert.ok(client.isRight());
});

test("who comes back in the hold of a killed node is seen by nobody", async () => {
  const redis = await Redis.start();
  const [a, b, c] = await startNodes(3, redis, "--hold-lost-ms", 15_000);
  const witness = await Client.login(a, "Witness");
  await Client.login(b, "Other");
  const people = await crowd(c, 5, "Late", { options: { data: { page: 1 } } });
  await present([a, b, c], ["Other", "Witness", ...people.map(({ name }) => name)]);
  const { digest } = await equal([a, b, c]);
  await told(witness, digest);
  witness.news();
  await c.kill();
  // Only after both others have noticed that it is gone.
  await pass(SILENT_MS + SLACK_MS);
  for (const from of people) {
    const client = await Client.open(b, { from });
    assert.deepEqual(client.resumed, [""]);
  }
  assert.equal((await equal([a, b])).digest, digest);
  assert.deepEqual(witness.news(), []);
});

test("who comes back to a node that had not got the room is seen by nobody", async () => {
  const redis = await Redis.start();
  const [a, b, c] = await startNodes(3, redis, "--hold-lost-ms", 5_000);
  const witness = await Client.login(a, "Witness");
  const options = { status: "idle", data: { page: 1 } };
  const people = await crowd(c, 5, "Person", { options });
  const names = ["Witness", ...people.map(({ name }) => name)];
  await present([a, c], names);
  const { digest } = await equal([a, c]);
  await told(witness, digest);
  witness.news();
  await c.kill();
  for (const from of people) await comeBack(b, from, options);
  await until("both have the same", async () => (await equal([a, b])).digest === digest);
  await pass(SILENT_MS + 5_000 + SLACK_MS); // now all is over that the dead node has left
  assert.equal((await equal([a, b])).digest, digest);
  assert.deepEqual(witness.news(), []);
});

test("a node that is told to stop says so, and its names are gone after their hold", async () => {
  const redis = await Redis.start();
  const hold = 1_000;
  const [a, b, c] = await startNodes(3, redis, "--hold-lost-ms", hold, "--hold-closed-ms", hold);
  const witness = await Client.login(a, "Witness");
  await Client.login(b, "Other");
  const [stayer] = await crowd(c, 1, "Back");
  const [goner] = await crowd(c, 1, "Gone");
  await present([a, b, c], ["Back 0", "Gone 0", "Other", "Witness"]);
  await told(witness, (await equal([a, b, c])).digest);
  witness.news();
  const start = performance.now();
  const end = c.kill("SIGTERM");
  await until("clients were told", () => stayer.bye && goner.bye);
  const again = await Client.open(b, { from: stayer });
  assert.deepEqual(again.resumed, [""]);
  await end;
  await until("the other is gone", () => witness.names().length === 3);
  const ms = performance.now() - start;
  assert.ok(ms < hold + SLACK_MS, `after ${ms} ms: it has not said that it ends`);
  assert.deepEqual(
    witness.news().map(([, { joined, left }]) => [joined, left]),
    [[[], ["Gone 0"]]],
  );
  await present([a, b], ["Back 0", "Other", "Witness"]);
});

test("a node that is started again with clients that come back is seen by nobody", async () => {
  const redis = await Redis.start();
  const [a, b] = await startNodes(2, redis, "--hold-lost-ms", 5_000, "--hold-closed-ms", 5_000);
  const witness = await Client.login(a, "Witness");
  const people = await crowd(b, 5, "Person");
  await present([a, b], ["Witness", ...people.map(({ name }) => name)]);
  const { digest } = await equal([a, b]);
  await told(witness, digest);
  witness.news();
  await b.kill("SIGTERM");
  const again = await Node.start(redis, ["--hold-lost-ms", 5_000, "--hold-closed-ms", 5_000]);
  for (const from of people) await comeBack(again, from);
  await until("both have the same", async () => (await equal([a, again])).digest === digest);
  assert.deepEqual(witness.news(), []);
});

test("a node that is paused for 15 s is gone, and back with all its names", async () => {
  const redis = await Redis.start();
  const hold = 1_000;
  const [a, b] = await startNodes(2, redis, "--hold-lost-ms", hold);
  const witness = await Client.login(a, "Witness");
  const [paused] = await crowd(b, 1, "Paused");
  await present([a, b], ["Paused 0", "Witness"]);
  for (const client of [witness, paused]) {
    await until("both are seen", () => client.names().length === 2);
  }
  const all = pass(15_000);
  b.signal("SIGSTOP");
  await until("its names are gone", () => witness.names().length === 1, SILENT_MS + hold + SLACK_MS);
  await witness.set({ data: { since: "then" } });
  await all;
  b.signal("SIGCONT");
  await present([a, b], ["Paused 0", "Witness"]);
  const roster = await equal([a, b]);
  assert.deepEqual(roster.data, { Witness: { since: "then" } });
  for (const client of [witness, paused]) await told(client, roster.digest);
  assert.deepEqual(paused.left(), []); // the others were there all the time
});

test("a node that is paused for 5 s is not gone", async () => {
  const redis = await Redis.start();
  const [a, b] = await startNodes(2, redis, "--hold-lost-ms", 1);
  const witness = await Client.login(a, "Witness");
  await crowd(b, 1, "Paused");
  await present([a, b], ["Paused 0", "Witness"]);
  await until("she is seen", () => witness.names().length === 2);
  witness.news();
  b.signal("SIGSTOP");
  await pass(5_000);
  b.signal("SIGCONT");
  await witness.set({ data: { since: "then" } });
  await until("both have the same", async () => (await equal([a, b])).data?.Witness);
  assert.deepEqual(witness.left(), []);
});

test("a node that was paused for 12 s is back in many rooms at once", async () => {
  const redis = await Redis.start();
  const [a, b] = await startNodes(2, redis, "--hold-lost-ms", 1);
  const rooms = Array.from({ length: 100 }, (_, i) => `room ${i}`);
  const enter = (node, name) =>
    Promise.all(rooms.map((room) => Client.login(node, name, { room })));
  const witnesses = await enter(a, "Witness");
  await enter(b, "Paused");
  for (const room of rooms) await present([a, b], ["Paused", "Witness"], room);
  b.signal("SIGSTOP");
  await pass(SILENT_MS + 2_000);
  for (const witness of witnesses) {
    await until("she is gone", () => witness.names().length === 1, SLACK_MS);
  }
  b.signal("SIGCONT");
  const start = performance.now();
  for (const room of rooms) await present([a, b], ["Paused", "Witness"], room);
  const ms = performance.now() - start;
  assert.ok(ms < 5_000, `after ${ms} ms`);
});
