// All tests of Socket.IO that need more than Rust: our client, the official ones, a classic page.
//
//     npm ci && node run.mjs
//
// HEADCOUNT  the server's binary; otherwise ../../../target/release/headcount
// SUITE      the suite application's; otherwise ../../../target/debug/examples/socketio_suite
// CHROMIUM   the browser's; otherwise /usr/bin/chromium
// PYTHON     one of 3.8 or later, with venv; otherwise python3
//
// The client in Rust needs OpenSSL's headers and pkg-config.
//
// With HEADCOUNT and SUITE set to reference.mjs the tests test themselves.

import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";

import { here } from "./harness.mjs";

const { execPath: node, env } = process;
const venv = here("../../../target/socketio-venv");
const python = `${venv}/bin/python`;
const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];

const run = (command, ...args) => spawnSync(command, args, { stdio: "inherit" }).status === 0;

const tests = (name) => here(`${name}.test.mjs`);

const steps = {
  "our client, and beside socket.io's own": () =>
    run(node, "--test", ...["addresses", "alone", "api", "client", "life", "packets", "polling", "tab"].map(tests)),
  "our client in pages of several kinds": () => run(node, here("pages.mjs")),
  "a classic page": () => run(node, here("classic.mjs")),
  "clients in JavaScript": () => run(node, here("interop.mjs")),
  "a client in Python": () =>
    (existsSync(python) || run(env.PYTHON ?? "python3", "-m", "venv", venv)) &&
    run(python, ...pip, "-r", here("requirements.txt")) &&
    run(python, here("interop.py")),
  "a client in Rust": () => run(node, here("rust.mjs")),
};

const failed = Object.entries(steps).filter(([what, step]) => {
  console.log(`--- ${what}`);
  return !step();
});
for (const [what] of failed) console.log(`FAIL  ${what}`);
process.exitCode = failed.length > 0 ? 1 : 0;
