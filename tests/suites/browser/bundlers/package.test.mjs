// www/ as the package "headcount": packed, installed and imported by its name, and its types.
//
//     npm ci && node --test package.test.mjs

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { before, test } from "node:test";
import { fileURLToPath } from "node:url";

import * as esbuild from "esbuild";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const www = here("../../../../www");
const home = here("dist/package"); // of a program that uses it
const run = (command, ...args) => {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: home, encoding: "utf8", timeout: 60_000 });
  return { status, said: stdout + stderr };
};

before(() => {
  rmSync(home, { recursive: true, force: true });
  mkdirSync(home, { recursive: true });
  writeFileSync(`${home}/package.json`, '{ "private": true, "type": "module" }');
  execFileSync("npm", ["pack", "--silent", "--pack-destination", home, www]);
  const [tarball] = readdirSync(home).filter((name) => name.endsWith(".tgz"));
  execFileSync("npm", ["install", "--silent", "--offline", "--no-audit", "--no-fund", tarball], { cwd: home });
});

test("what is packed is the module, its types, and what says so", () => {
  const packed = readdirSync(`${home}/node_modules/headcount`).sort();
  assert.deepEqual(packed, ["headcount.d.ts", "headcount.js", "package.json"]);
  const manifest = JSON.parse(readFileSync(`${www}/package.json`, "utf8"));
  const cargo = readFileSync(`${www}/../Cargo.toml`, "utf8");
  for (const key of ["version", "license"]) {
    assert.equal(manifest[key], cargo.match(new RegExp(`^${key} = "(.*)"`, "m"))[1], key);
  }
});

const PROGRAM = `
  import { canonical, connect } from "headcount";
  class WebSocket extends EventTarget {
    constructor(url) {
      super();
      console.log(url);
    }
    close() {}
  }
  const room = connect("wss://example.org/ws", { room: "a", WebSocket });
  room.login("Ada").catch(({ code }) => console.log(code, canonical(" b ")));
  room.close();
`;

test("a program imports it by its name, and ends with the connection", () => {
  writeFileSync(`${home}/program.mjs`, PROGRAM);
  const before = performance.now();
  const { said } = run(process.execPath, "program.mjs");
  assert.equal(said, "wss://example.org/ws/a\nclosed b\n");
  const passed = performance.now() - before;
  assert.ok(passed < 8_000, `${passed} ms: a deadline has kept it`);
});

const TYPED = `
  import { canonical, connect, type Room, type Status } from "headcount";

  const room: Room = connect("/ws", { room: "a", view: "changes", autoStatus: true, idleAfter: 300_000, WebSocket });
  const off: () => void = room.on("change", ({ seq, joined, left, updated }) => {
    const names: readonly string[] = [...joined, ...left, ...updated];
    const status: Status | null = room.statusOf(names[0] ?? "");
    console.log(seq + 1, status, room.dataOf("Ada").color);
  });
  room.on("error", ({ code, message }) => console.log(code.length, message));
  room.on("count", ({ count }) => count + 1);
  room.on("state", (state) => state === "open");
  const done: Promise<void> = room.login(canonical("Ada"), { data: { color: "teal", at: [1] }, status: "idle" });
  done.catch(off);
  room.set({ data: { color: null } }).then(() => room.logout());
  const other: Room = room.enter("b", { view: "count" });
  const count: number | null = other.count;
  console.log(count, room.epoch?.length, room.data.color, room.status, room.state, room.seq, room.size);
  other.view("none");
  other.exit();
  room.close();
  const mistakes = [
    // @ts-expect-error
    () => connect("/ws", { view: "all" }),
    // @ts-expect-error
    () => room.set({ status: "away" }),
    // @ts-expect-error
    () => room.on("login", () => {}),
    // @ts-expect-error
    () => room.names.push("Eve"),
    // @ts-expect-error
    () => (room.name = "Eve"),
    // @ts-expect-error
    () => room.login(),
  ];
  console.log(mistakes);
`;

const MODES = [
  ["nodenext", "nodenext"],
  ["esnext", "bundler"],
];
for (const [module, resolution] of MODES) {
  test(`its types are found and hold, with the resolution "${resolution}"`, () => {
    writeFileSync(`${home}/typed.mts`, TYPED);
    const flags = ["--noEmit", "--strict", "--target", "es2022", "--lib", "es2022,dom"];
    const modes = ["--module", module, "--moduleResolution", resolution, "--types", ""];
    const tsc = here("node_modules/typescript/bin/tsc");
    const { status, said } = run(process.execPath, tsc, ...flags, ...modes, "typed.mts");
    assert.equal(status, 0, said);
  });
}

test("a bundle of that program needs the package no more", async () => {
  const { errors, warnings } = await esbuild.build({
    entryPoints: [`${home}/program.mjs`],
    absWorkingDir: home,
    bundle: true,
    format: "esm",
    minify: true,
    outfile: `${home}/bundle.mjs`,
  });
  assert.deepEqual([...errors, ...warnings], []);
  rmSync(`${home}/node_modules`, { recursive: true });
  const { said } = run(process.execPath, "bundle.mjs");
  assert.equal(said, "wss://example.org/ws/a\nclosed b\n");
});
