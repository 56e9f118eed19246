// What `headcount doctor --redis` says of servers that fit, and of others.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";

import { Redis, run, test, until } from "./harness.mjs";

/** Its exit code, and what it says of each thing: mark, value and remedy by name. */
async function doctor(urls, env) {
  const flags = [urls].flat().flatMap((url) => ["--redis", url]);
  const { code, text } = await run(["doctor", ...flags], env);
  const lines = text.matchAll(/^(ok |LOW|BAD)  (.{22})(.*)(?:\n {5}(.*))?$/gm);
  const found = Object.fromEntries(
    [...lines].map(([, mark, what, value, remedy]) => [what.trim(), { mark, value, remedy }]),
  );
  return { code, text, found };
}

const bad = ({ code, text, found }, what, value) => {
  assert.equal(code, 1, text);
  assert.equal(found[what]?.mark, "BAD", text);
  assert.match(found[what].value, value);
  assert.ok(found[what].remedy.length > 0);
  assert.match(text, /This server does not fit/);
};

test("doctor: a server that is as it was installed fits", async () => {
  const redis = await Redis.start();
  const { code, text, found } = await doctor(redis.url);
  assert.equal(code, 0, text);
  assert.match(text, /This server fits\./);
  assert.match(found.version.value, /^(redis|valkey) [7-9]/);
  assert.equal(found.mode.value, "standalone");
  assert.equal(found.role.value, "master");
  assert.equal(found["output buffer limit"].value, "pubsub 32.0 MiB, 8.0 MiB for 60 s");
  assert.match(found.latency.value, /^\d+\.\d\d ms, at most \d+\.\d\d ms$/);
  assert.match(found.clock.value, /^[+-]\d\.\d{3} s from here/);
  assert.ok(Object.values(found).every(({ mark }) => mark === "ok "), text);
  assert.equal(await redis.call("DBSIZE"), "0");
});

test("doctor: limits that are too low are told with what to do, and the exit code is 1", async () => {
  const limits = ["--client-output-buffer-limit", "pubsub 1mb 1mb 60", "--maxclients", "20"];
  const redis = await Redis.start(...limits);
  const { code, text, found } = await doctor(redis.url);
  assert.equal(code, 1);
  assert.equal(found["output buffer limit"].mark, "LOW", text);
  assert.match(found["output buffer limit"].remedy, /CONFIG SET client-output-buffer-limit/);
  assert.equal(found.connections.mark, "LOW", text);
  assert.match(text, /fits, but could be better/);
  await redis.call("CONFIG", "SET", "client-output-buffer-limit", "pubsub 0 0 0");
  const unlimited = (await doctor(redis.url)).found["output buffer limit"];
  assert.deepEqual([unlimited.mark, unlimited.value], ["ok ", "pubsub none, none for 0 s"]);
});

test("doctor: passwords are used, and never told", async () => {
  const redis = await Redis.start("--requirepass", "geheim");
  redis.password = "geheim";
  bad(await doctor(redis.url), "login", /it requires a password/);
  bad(await doctor(redis.url, { HEADCOUNT_REDIS_PASSWORD: "falsch" }), "login", /is wrong/);
  const { host, port } = redis;
  for (const { code, text } of [
    await doctor(redis.url, { HEADCOUNT_REDIS_PASSWORD: "geheim" }),
    await doctor(`redis://:geheim@${host}:${port}`),
  ]) {
    assert.equal(code, 0, text);
    assert.ok(!text.includes("geheim"), text);
  }
});

test("doctor: rights that are missing are told", async () => {
  const redis = await Redis.start();
  await redis.call("ACL", "SETUSER", "few", "on", ">geheim", "resetchannels", "+@all");
  const url = `redis://few:geheim@${redis.host}:${redis.port}`;
  bad(await doctor(url), "rights", /NOPERM/);
  const rights = "+hello +client|setname +publish +subscribe +unsubscribe +role +ping".split(" ");
  await redis.call("ACL", "SETUSER", "few", "-@all", "&headcount:*", ...rights);
  const { code, text, found } = await doctor(url);
  assert.equal(code, 0, text);
  await redis.call("ACL", "SETUSER", "few", "-ping");
  const unheard = await doctor(url);
  bad(unheard, "latency", /NOPERM/);
  assert.match(unheard.found.latency.remedy, /ACL SETUSER/);
  assert.equal(found["output buffer limit"].value, "it does not say");
});

test("doctor: a cluster, a replica, and what is no server do not fit", async (t) => {
  const cluster = await Redis.start("--cluster-enabled", "yes");
  bad(await doctor(cluster.url), "mode", /cluster/);
  bad(await doctor("redis://127.0.0.1:1"), "reachable", /refused/);
  const echo = createServer((socket) => socket.on("error", () => {}).pipe(socket));
  echo.listen(0, "127.0.0.1");
  await once(echo, "listening");
  t.after(() => echo.close());
  bad(await doctor(`redis://127.0.0.1:${echo.address().port}`), "login", /it is no Redis/);

  const primary = await Redis.start();
  const replica = await Redis.start("--replicaof", `${primary.host} ${primary.port}`);
  await until("it is a replica", async () => (await replica.call("ROLE")).startsWith("slave"));
  bad(await doctor(replica.url), "role", /replica|slave/);
  const both = await doctor([primary.url, replica.url]);
  assert.equal(both.code, 0, both.text);
  const none = await doctor([replica.url, replica.url]);
  assert.equal(none.code, 1, none.text);
  assert.match(none.text, /None of these servers is a primary/);
});

test("doctor: a server that does not answer is not waited for long", async () => {
  const redis = await Redis.start();
  redis.signal("SIGSTOP");
  const start = performance.now();
  bad(await doctor(redis.url), "login", /it does not answer/);
  assert.ok(performance.now() - start < 6_000);
});
