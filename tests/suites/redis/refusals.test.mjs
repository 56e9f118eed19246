// Servers that won't do, and passwords, which nobody may see.

import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { createServer } from "node:net";
import { join } from "node:path";

import { Client, Node, Redis, folder, pass, present, run, test, until } from "./harness.mjs";

const SECRET = "geh:eim@/%ü";
const ENCODED = encodeURIComponent(SECRET);

/** What headcount says when it ends at once, which is to be one line. */
async function refusal(url, env, ...flags) {
  const { code, text } = await run(["--listen", "127.0.0.1:0", "--redis", url, ...flags], env);
  assert.equal(code, 1, text);
  const lines = text.split("\n").filter((line) => /^headcount: | (WARN|ERROR) /.test(line));
  assert.equal(lines.length, 1, text);
  for (const secret of [SECRET, ENCODED, "wrong-secret"]) assert.ok(!text.includes(secret), text);
  return lines[0];
}

/** A server on a free port that is none of Redis; it ends with the test. */
async function fake(t, server) {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  return `redis://127.0.0.1:${server.address().port}`;
}

const replying = (reply) =>
  createServer((socket) => {
    socket.on("error", () => {});
    socket.on("data", (data) => socket.write(reply(data)));
  });

async function withPassword() {
  const redis = await Redis.start("--requirepass", SECRET);
  redis.password = SECRET;
  return redis;
}

/** Whether a secret is anywhere in what a node has said, or in its arguments. */
function assertSecret(node) {
  const args = readFileSync(`/proc/${node.pid}/cmdline`, "utf8");
  for (const text of [node.log, args]) {
    for (const secret of [SECRET, ENCODED]) assert.ok(!text.includes(secret), text);
  }
}

test("a wrong password, or none, is said at the start", async () => {
  const redis = await withPassword();
  const address = `${redis.host}:${redis.port}`;
  assert.match(await refusal(redis.url), /it requires a password/);
  assert.match(await refusal(`redis://:wrong-secret@${address}`), /password is wrong/);
  assert.match(await refusal(`redis://nobody:${ENCODED}@${address}`), /password is wrong/);
  const env = { HEADCOUNT_REDIS_PASSWORD: "wrong-secret" };
  assert.match(await refusal(redis.url, env), /password is wrong/);
});

test("a wrong password for one of two servers does no harm if the other one takes it", async () => {
  const [first, second] = [await withPassword(), await Redis.start()];
  const node = await Node.start([first, second]);
  await until("it is connected to the other one", () => node.isReady());
  assert.match(node.log, /it requires a password/);
  await node.kill("SIGTERM");
  await second.kill();
  const third = await withPassword();
  const both = ["--redis", first.url, "--redis", third.url];
  const { code, text } = await run(["--listen", "127.0.0.1:0", ...both]);
  assert.equal(code, 1, text);
  assert.match(text, /it requires a password/);
});

test("a password for a server that has none is said at the start or does no harm", async () => {
  const redis = await Redis.start();
  const node = await Node.start(redis, [], { env: { HEADCOUNT_REDIS_PASSWORD: SECRET } }).catch(
    (error) => assert.match(error.message, /password/),
  );
  if (node) assertSecret(node);
});

test("a password in a file or in the environment is seen by nobody", async () => {
  const redis = await withPassword();
  const file = join(folder(), "password");
  writeFileSync(file, `${SECRET}\n`, { mode: 0o600 });
  const a = await Node.start(redis, ["--redis-password-file", file, "--log-level", "debug"]);
  const env = { HEADCOUNT_REDIS_PASSWORD: SECRET };
  const b = await Node.start(redis, ["--log-level", "debug"], { env });
  await Client.login(a, "Ada");
  await Client.login(b, "Bob");
  await present([a, b], ["Ada", "Bob"]);
  // Also not when things go wrong.
  await redis.kill();
  for (const node of [a, b]) await until("it is away", async () => !(await node.isReady()));
  await redis.revive();
  for (const node of [a, b]) {
    await until("it is back", () => node.isReady());
    await node.kill("SIGTERM");
    assert.match(node.log, /no connection to the server of --redis/);
    for (const secret of [SECRET, ENCODED]) assert.ok(!node.log.includes(secret), node.log);
  }
});

test("a password in a file or in the environment is not in the arguments", async () => {
  const redis = await withPassword();
  const file = join(folder(), "password");
  writeFileSync(file, SECRET, { mode: 0o600 });
  assertSecret(await Node.start(redis, ["--redis-password-file", file]));
  assertSecret(await Node.start(redis, [], { env: { HEADCOUNT_REDIS_PASSWORD: SECRET } }));
});

test("a password in a URL is not in what headcount says", async () => {
  const redis = await withPassword();
  const url = `redis://default:${ENCODED}@${redis.host}:${redis.port}`;
  const node = await Node.start({ url }, ["--log-level", "debug"]);
  await redis.kill();
  await until("it is away", async () => !(await node.isReady()));
  await until("that is said", () => node.log.includes("no connection"));
  for (const secret of [SECRET, ENCODED]) assert.ok(!node.log.includes(secret), node.log);
});

for (const broken of ["127.0.0.1:bad", "127.0.0.1/x", "", "127.0.0.1:1/%"]) {
  test(`a password in a broken URL is not in what headcount says: @${broken}`, async () => {
    const url = `redis://:${ENCODED}@${broken}`;
    const { code, text } = await run(["--listen", "127.0.0.1:0", "--redis", url]);
    assert.equal(code, 2, text);
    for (const secret of [SECRET, ENCODED]) assert.ok(!text.includes(secret), text);
  });
}

test("a user with few rights is enough", async () => {
  const redis = await Redis.start();
  const rights = ["+hello", "+client|setname", "+publish", "+subscribe", "+unsubscribe", "+role"];
  const user = ["resetchannels", "&headcount:*", "-@all", ...rights, `>${SECRET}`];
  await redis.call("ACL", "SETUSER", "headcount", "on", ...user);
  const url = `redis://headcount:${ENCODED}@${redis.host}:${redis.port}`;
  const nodes = [await Node.start({ url }), await Node.start({ url })];
  await Client.login(nodes[0], "Ada");
  const bob = await Client.login(nodes[1], "Bob");
  await present(nodes, ["Ada", "Bob"]);
  await bob.end();
  await until("he is gone", async () => (await nodes[0].roster()).names.length === 1);
  for (const node of nodes) assert.ok(!node.log.includes("NOPERM"), node.log);
  assert.equal(await redis.call("ACL", "LOG").catch(String), "");
});

test("a user that may not do what is needed is said", async () => {
  const redis = await Redis.start();
  const url = `redis://headcount:${ENCODED}@${redis.host}:${redis.port}`;
  const needed = ["publish", "subscribe", "role"].map((command) => [`-${command}`]);
  for (const missing of [["resetchannels"], ...needed]) {
    const user = ["reset", "on", "+@all", "&headcount:*", ...missing, `>${SECRET}`];
    await redis.call("ACL", "SETUSER", "headcount", ...user);
    const told = await refusal(url);
    assert.match(told, /the user may not do that/, `${missing}`);
    for (const secret of [SECRET, ENCODED]) assert.ok(!told.includes(secret), told);
  }
});

test("a server of a cluster is refused", async () => {
  const redis = await Redis.start("--cluster-enabled", "yes");
  assert.match(await refusal(redis.url), /cluster/);
});

test("an old version is refused", async (t) => {
  const words = ["server", "redis", "version", "6.2.6", "mode", "standalone", "role", "master"];
  const hello = `%4\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join("")}`;
  const old = await fake(t, replying(() => hello));
  assert.match(await refusal(old), /version 7 or later is needed, and this is 6\.2\.6/);
  const older = await fake(t, replying(() => "-ERR unknown command `HELLO`, with args\r\n"));
  assert.match(await refusal(older), /too old/);
});

test("what is no Redis is refused", async (t) => {
  const http = await fake(t, createHttpServer((_, response) => response.end("hello")));
  assert.match(await refusal(http), /it does not speak RESP3|it is no/);
  const echo = await fake(t, replying((data) => data));
  assert.match(await refusal(echo), /it does not speak RESP3|it is no/);
});

test("a server that is not there yet is waited for", async (t) => {
  const silent = await fake(t, createServer((socket) => socket.on("error", () => {})));
  for (const url of ["redis://127.0.0.1:1", silent, "redis://name.invalid"]) {
    const node = await Node.start({ url }, [], { isReady: false });
    const health = await node.health();
    assert.deepEqual(health, [503, 200]);
    const ada = await Client.login(node, "Ada"); // alone for now
    const said = "no connection to the server of --redis";
    await until("it is said", () => node.log.includes(said), 8_000);
    assert.deepEqual(await node.health(), [503, 200]);
    assert.ok(ada.isRight() && ada.isOpen && node.isRunning);
    // The same is said once, however often it is tried.
    assert.equal(node.log.match(/no connection to the server/g).length, 1, node.log);
  }
});

test("of servers that are tried in turn each is named once", async () => {
  const replica = await Redis.start("--replicaof", "127.0.0.1 1");
  const node = await Node.start([{ url: "redis://127.0.0.1:1" }, replica], [], { isReady: false });
  await pass(3_000); // They are tried ten times.
  const lines = node.log.split("\n").filter((line) => line.includes("no connection"));
  assert.equal(lines.length, 2, node.log);
  assert.match(lines[0], /redis:\/\/127\.0\.0\.1:1\/0.*refused/);
  assert.ok(lines[1].includes(`${replica.url}/0`) && lines[1].includes("it is a replica"), lines[1]);
  await replica.call("REPLICAOF", "NO", "ONE");
  await until("it is used", () => node.isReady());
  await replica.kill();
  await until("that is said", () => node.log.includes("it closed the connection"));
  const last = node.log.split("\n").find((line) => line.includes("it closed the connection"));
  assert.ok(last.includes(`${replica.url}/0`), last);
});

test("a running node outlives a password that is changed", async () => {
  const redis = await withPassword();
  const node = await Node.start(redis, [], { env: { HEADCOUNT_REDIS_PASSWORD: SECRET } });
  const ada = await Client.login(node, "Ada");
  await redis.call("CONFIG", "SET", "requirepass", "another");
  redis.password = "another";
  await redis.call("CLIENT", "KILL", "SKIPME", "yes");
  await until("it is refused", () => node.log.includes("password is wrong"));
  assert.deepEqual(await node.health(), [503, 200]);
  await redis.call("CONFIG", "SET", "requirepass", SECRET);
  await until("it is back", () => node.isReady());
  assert.ok(ada.isRight() && ada.isOpen && node.isRunning);
});
