// The three engines, as Debian has them, each on a machine of its own, with windows on a display
// that is not there (Xvfb): without any, nothing would be hidden or throttled.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { ARGUMENTS, CHROMIUM } from "../chromium.mjs";
import { DRIVER_PORT, Machine } from "./machine.mjs";
import { Marionette } from "./marionette.mjs";
import { Browser, Http } from "./webdriver.mjs";

const START_WITHIN = 60_000; // ms

// What chromedriver adds, and what spares hidden pages.
const WAKEFUL = ["disable-background-timer-throttling", "disable-backgrounding-occluded-windows"];

const ENVIRONMENT = {
  DBUS_SESSION_BUS_ADDRESS: "disabled:",
  GTK_A11Y: "none",
  LIBGL_ALWAYS_SOFTWARE: "1",
  NO_AT_BRIDGE: "1",
};

/** A display for all of them. */
export async function display() {
  const options = ["-displayfd", "3", "-screen", "0", "1280x800x24", "-nolisten", "tcp"];
  const server = spawn("Xvfb", options, { stdio: ["ignore", "ignore", "ignore", "pipe"] });
  process.on("exit", () => server.kill());
  const [number] = await once(server.stdio[3], "data");
  ENVIRONMENT.DISPLAY = `:${String(number).trim()}`;
}

async function chromium(machine) {
  machine.spawn("chromedriver", [`--port=${DRIVER_PORT}`], ENVIRONMENT);
  const args = [...ARGUMENTS, `--user-data-dir=${join(machine.dir, "profile")}`];
  const http = await patiently(() => Http.connect(machine.door));
  const browser = new Browser(http);
  const { browserVersion } = await browser.start({
    "goog:chromeOptions": { binary: CHROMIUM, args, excludeSwitches: WAKEFUL },
  });
  return { browser, version: `Chromium ${browserVersion}` };
}

async function firefox(machine) {
  const profile = join(machine.dir, "profile");
  mkdirSync(profile);
  const preferences = {
    "marionette.port": DRIVER_PORT,
    "browser.shell.checkDefaultBrowser": false,
    "browser.aboutwelcome.enabled": false,
    "datareporting.policy.dataSubmissionEnabled": false,
    "app.normandy.enabled": false,
    "dom.disable_open_during_load": false, // window.open without a click
  };
  const lines = Object.entries(preferences).map(
    ([key, value]) => `user_pref(${JSON.stringify(key)}, ${JSON.stringify(value)});\n`,
  );
  writeFileSync(join(profile, "user.js"), lines.join(""));
  const options = ["--marionette", "--remote-allow-system-access", "--no-remote"];
  machine.spawn("firefox-esr", [...options, "--profile", profile], ENVIRONMENT);
  const browser = new Browser(await patiently(() => Marionette.connect(machine.door)));
  const { browserVersion } = await browser.start({ pageLoadStrategy: "normal" });
  return { browser, version: `Firefox ${browserVersion}` };
}

async function webkit(machine) {
  machine.spawn("WebKitWebDriver", [`--port=${DRIVER_PORT}`], ENVIRONMENT);
  const browser = new Browser(await patiently(() => Http.connect(machine.door)));
  const args = ["--automation", "--javascript-can-open-windows-automatically=true"];
  const { browserVersion } = await browser.start({ "webkitgtk:browserOptions": { args } });
  return { browser, version: `WebKitGTK ${browserVersion}` };
}

const STARTS = { chromium, firefox, webkit };
export const ENGINES = Object.keys(STARTS);

/** A machine of its own, on which this engine runs. */
export async function start(engine) {
  const machine = await Machine.start();
  const { browser, version } = await STARTS[engine](machine);
  return { engine, version, machine, browser };
}

// Until it is there.
async function patiently(connect) {
  for (const until = Date.now() + START_WITHIN; ;) {
    try {
      return await connect();
    } catch (error) {
      if (Date.now() > until) throw error;
      await sleep(100);
    }
  }
}
