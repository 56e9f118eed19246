// A machine for one browser: a network namespace, joined to that of the suite by a cable (veth), so
// that its network can be cut, and processes that can be stopped and killed.
//
// The suite itself runs in a namespace of its own (run), where it may do all this, where its server
// is seen by nobody else, and of which nothing is left when it ends.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const DRIVER_PORT = 4444; // each machine has its own

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const machines = new Set();
process.on("exit", () => machines.forEach((machine) => machine.end())); // whatever happens

export class Machine {
  static #count = 0;
  #number = ++Machine.#count;
  #near = `near${this.#number}`; // this end of the cable; the browser's is eth0
  #portal;
  #children = [];
  #repairs = new Map(); // what is done to it → what undoes that
  dir = mkdtempSync(join(tmpdir(), "headcount-engines-")); // what its browser writes
  door = join(this.dir, "door"); // a socket that leads to its driver
  home = `10.${this.#number}.0.1`; // where it finds the server

  static async start() {
    const machine = new this();
    machines.add(machine);
    const portal = ["--net", process.execPath, here("portal.mjs"), machine.door, DRIVER_PORT];
    const stdio = ["pipe", "pipe", "inherit"];
    machine.#portal = spawn("unshare", portal, { stdio });
    await once(machine.#portal.stdout, "data");
    const near = machine.#near;
    const veth = ["type", "veth", "peer", "name", "eth0", "netns", machine.#portal.pid];
    ip("link", "add", near, ...veth);
    ip("address", "add", `${machine.home}/24`, "dev", near);
    ip("link", "set", near, "up");
    machine.#inside("ip", "address", "add", `10.${machine.#number}.0.2/24`, "dev", "eth0");
    machine.#inside("ip", "link", "set", "lo", "up");
    machine.#switchOn();
    return machine;
  }

  /** Starts a program on this machine. */
  spawn(program, args, env = {}) {
    const child = spawn("nsenter", [...this.#enter(), program, ...args], {
      stdio: ["ignore", "pipe", process.env.ENGINES_LOG ? "inherit" : "ignore"],
      env: { ...process.env, HOME: this.dir, TMPDIR: this.dir, ...env },
    });
    child.stdout.resume();
    this.#children.push(child);
    return child;
  }

  /** Kills all that runs here. */
  kill() {
    this.#signal("SIGKILL");
  }

  /** It sleeps: nothing runs, though the network does. */
  sleep() {
    this.#signal("SIGSTOP");
    this.#repairs.set("sleep", () => this.#signal("SIGCONT"));
  }

  /** From here on packets are lost in both directions, and neither side is told. */
  cut() {
    run("nft", [drop(this.#near)]);
    this.#inside("nft", drop("eth0"));
    this.#repairs.set("cut", () => {
      run("nft", [`delete table netdev ${this.#near}`]);
      this.#inside("nft", "delete table netdev eth0");
    });
  }

  /** The cable: its other end is dead, which the machine can notice. */
  pull() {
    ip("link", "set", this.#near, "down");
    this.#repairs.set("pull", () => ip("link", "set", this.#near, "up"));
  }

  /** Its own end of the cable is switched off, as Wi-Fi is. */
  switchOff() {
    this.#inside("ip", "link", "set", "eth0", "down");
    this.#repairs.set("switch", () => this.#switchOn());
  }

  /** It wakes, and has its network again. */
  repair() {
    for (const [damage, repair] of this.#repairs) {
      this.#repairs.delete(damage);
      repair();
    }
  }

  end() {
    if (!machines.delete(this)) return;
    this.kill();
    this.#portal.kill("SIGKILL"); // and so the namespace is gone, and the cable
    rmSync(this.dir, { recursive: true, force: true, maxRetries: 5 });
  }

  #switchOn() {
    this.#inside("ip", "link", "set", "eth0", "up");
    // Without one WebKit takes itself to be offline. It is gone with the link.
    this.#inside("ip", "route", "add", "default", "via", this.home);
  }

  #signal(signal) {
    for (const pid of this.#processes()) {
      try {
        process.kill(pid, signal);
      } catch {} // It has ended meanwhile.
    }
  }

  #enter() {
    return ["--target", String(this.#portal.pid), "--net"];
  }

  #inside(program, ...args) {
    run("nsenter", [...this.#enter(), program, ...args]);
  }

  // With all that they have started in turn.
  #processes() {
    const children = new Map();
    for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
      const parent = parentOf(pid);
      children.set(parent, [...(children.get(parent) ?? []), Number(pid)]);
    }
    const all = this.#children.map((child) => child.pid);
    for (const pid of all) all.push(...(children.get(pid) ?? []));
    return all;
  }
}

function parentOf(pid) {
  try {
    // The name of the program, in parentheses, may contain anything.
    return Number(/\) \S (\d+) [^)]*$/.exec(readFileSync(`/proc/${pid}/stat`, "utf8"))[1]);
  } catch {
    return 0; // It has ended meanwhile.
  }
}

// All that arrives but ARP, or the system would notice soon, as it does not behind a router.
function drop(device) {
  const hook = `{ type filter hook ingress device ${device} priority 0; policy drop; }`;
  return [
    `add table netdev ${device}`,
    `add chain netdev ${device} cut ${hook}`,
    `add rule netdev ${device} cut meta protocol arp accept`,
  ].join("; ");
}

function ip(...args) {
  run("ip", args);
}

function run(program, args) {
  try {
    execFileSync(program, args.map(String), { stdio: ["ignore", "pipe", "pipe"] });
  } catch (error) {
    assert.fail(`${program} ${args.join(" ")}: ${error.stderr ?? error}`);
  }
}
