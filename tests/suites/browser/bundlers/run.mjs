// www/headcount.js through each of the usual bundlers, and what they make of it against the server:
// in a browser, and in Node.
//
//     npm ci && node run.mjs
//
// Needs what ../package.json has, for the browser.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { promisify } from "node:util";

import * as esbuild from "esbuild";
import { rollup } from "rollup";
import { build as vite } from "vite";
import webpack from "webpack";
import { WebSocket } from "ws";

import { connect } from "../../../../www/headcount.js";
import { Server, check, finish, here, open } from "../harness.mjs";

const at = (path) => here(`bundlers/${path}`);
const main = at("main.js");

// Each writes a script for the page dist/NAME/index.html and says where it is.
const BUNDLERS = {
  async webpack(folder) {
    const stats = await promisify(webpack)({
      mode: "production",
      entry: main,
      output: { path: folder, filename: "out.js" },
    });
    assert.deepEqual(stats.toJson().errors, []);
    assert.deepEqual(stats.toJson().warnings, []);
    return '<script src="out.js"></script>';
  },
  async "webpack as a module"(folder) {
    const stats = await promisify(webpack)({
      mode: "development",
      devtool: false,
      entry: main,
      experiments: { outputModule: true },
      output: { path: folder, filename: "out.mjs", module: true },
    });
    assert.deepEqual(stats.toJson().errors, []);
    assert.deepEqual(stats.toJson().warnings, []);
    return '<script type="module" src="out.mjs"></script>';
  },
  async vite(folder) {
    const root = `${folder} source`;
    mkdirSync(root, { recursive: true });
    writeFileSync(`${root}/index.html`, html("vite", `<script type="module" src="${main}"></script>`));
    await vite({ root, base: "./", logLevel: "error", build: { outDir: folder, emptyOutDir: false } });
    rmSync(root, { recursive: true });
  },
  async rollup(folder) {
    const bundle = await rollup({ input: main });
    await bundle.write({ dir: `${folder}/assets`, format: "es" });
    return '<script type="module" src="assets/main.js"></script>';
  },
  async "rollup as a script"(folder) {
    const bundle = await rollup({ input: main });
    await bundle.write({ file: `${folder}/out.js`, format: "iife" });
    return '<script src="out.js"></script>';
  },
  async esbuild(folder) {
    const entryPoints = [main];
    await esbuild.build({ entryPoints, bundle: true, format: "esm", outfile: `${folder}/out.js` });
    return '<script type="module" src="out.js"></script>';
  },
  async "esbuild as a script"(folder) {
    const made = await esbuild.build({
      entryPoints: [main],
      bundle: true,
      minify: true,
      logLevel: "silent", // It warns that a script has no import.meta, which the module knows.
      outfile: `${folder}/out.js`,
    });
    assert.deepEqual(made.errors, []);
    return '<script src="out.js"></script>';
  },
};

const html = (name, script) =>
  `<!doctype html><html lang="en" data-bundler="${name}"><meta charset="utf-8"><body>${script}`;

const dist = at("dist");
rmSync(dist, { recursive: true, force: true });
mkdirSync(dist);
const builds = Object.entries(BUNDLERS).map(([name, build], index) => ({
  name,
  folder: `${dist}/${index}`,
  path: `/${index}/index.html`,
  build,
}));
for (const { name, folder, build } of builds) {
  await check(`${name} builds it`, async () => {
    mkdirSync(folder, { recursive: true });
    const script = await build(folder);
    if (script) writeFileSync(`${folder}/index.html`, html(name, script));
    const files = readdirSync(folder, { recursive: true }).filter((path) => path.includes("."));
    assert.equal(files.length, 2, `a page and a script, and nothing called ws: ${files}`);
  });
}

const server = await Server.start("--www", dist);
const { url } = server;

for (const { name, path } of builds) {
  await check(`what ${name} makes of it runs`, async () => {
    const page = await open(`${url}${path}`);
    await hasNames(`${name}, by itself`, `${name}, told where`);
    await page.context().close();
  });
}

// Waits until the server has these names.
async function hasNames(...expected) {
  for (let tries = 0; tries < 100; tries++) {
    const names = await server.names();
    if (expected.every((name) => names.includes(name))) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.deepEqual(await server.names(), expected);
}

// ---- Node --------------------------------------------------------------------------------------

for (const format of ["esm", "cjs"]) {
  await check(`a program for Node that esbuild makes as ${format} runs`, async () => {
    const outfile = `${dist}/node.${format === "esm" ? "mjs" : "cjs"}`;
    await esbuild.build({
      entryPoints: [at("node.js")],
      bundle: true,
      platform: "node",
      external: ["ws"],
      format,
      logLevel: "silent",
      outfile,
    });
    const said = execFileSync(process.execPath, [outfile, `${url}/ws`, format], { timeout: 10_000 });
    assert.match(said.toString(), /leads to no server.*wss:/);
    assert.match(said.toString(), new RegExp(`${format} is here`));
  });
}

await check("in Node without a WebSocket it says what is missing", async () => {
  const own = globalThis.WebSocket;
  delete globalThis.WebSocket;
  assert.throws(() => connect(`${url}/ws`), /Node.*22.*\{ WebSocket \}/);
  globalThis.WebSocket = own;
});

await check("in Node it follows the roster with the class of a package", async () => {
  const room = connect(`${url}/ws`, { WebSocket });
  room.login("Node");
  await hasNames("Node");
  room.close();
});

await check("a worker, also one made from a blob, finds the server", async () => {
  const page = await open(`${url}/0/index.html`);
  const results = await page.evaluate(async () => {
    const source = `
      import { connect } from "${location.origin}/headcount.js";
      const names = [];
      for (const url of [undefined, "/ws"]) {
        const room = connect(url);
        room.login("worker " + names.push(room));
      }
      const isDone = () => names.every((room, i) => room.has("worker " + (i + 1)));
      for (const room of names) {
        for (const event of ["roster", "change"]) room.on(event, () => isDone() && postMessage("here"));
      }
    `;
    const blob = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
    const worker = new Worker(blob, { type: "module" });
    return new Promise((resolve) => {
      worker.onmessage = ({ data }) => resolve(data);
      worker.onerror = ({ message }) => resolve(message);
      setTimeout(resolve, 5_000, "nothing");
    });
  });
  assert.equal(results, "here");
  await page.context().close();
});

await finish();
await server.kill();
