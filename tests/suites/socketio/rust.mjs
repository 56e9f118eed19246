// A client in Rust against a running headcount: `rust/src/main.rs` says more.
//
//     npm ci && node rust.mjs
//
// HEADCOUNT  the server's binary; otherwise ../../../target/release/headcount

import { spawn } from "node:child_process";
import { once } from "node:events";

import { HEADCOUNT, Program, here } from "./harness.mjs";

const headcount = await Program.start(HEADCOUNT);
const place = ["--manifest-path", here("rust/Cargo.toml"), "--target-dir", here("../../../target/rust-client")];
const client = spawn("cargo", ["run", "--quiet", "--locked", ...place, headcount.url], { stdio: "inherit" });
const [status] = await once(client, "exit");
await headcount.kill();
process.exitCode = status ?? 1; // there is none if a signal ended it
