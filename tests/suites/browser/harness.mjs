// What the runners here share: a server, Chromium, pages that complain, and one line for each check.
//
// CHROMIUM   the browser's binary; otherwise /usr/bin/chromium

import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { chromium } from "playwright-core";

import { ARGUMENTS, CHROMIUM } from "../chromium.mjs";
import { HEADCOUNT, Program } from "../program.mjs";

export { ARGUMENTS, CHROMIUM };

export const here = (path) => fileURLToPath(new URL(path, import.meta.url));
export const WIDE = { width: 1200, height: 760 };
export const PHONE = { width: 360, height: 740 };

// ---- The server --------------------------------------------------------------------------------

export class Server extends Program {
  static start(...flags) {
    return super.start(HEADCOUNT, ...flags);
  }

  /** The names on the roster, as the server says. */
  async names() {
    const answer = await fetch(`${this.url}/roster`);
    return (await answer.json()).names;
  }
}

// ---- The pages ---------------------------------------------------------------------------------

export const complaints = []; // what no page may do: errors, violations, dialogs
const excused = { isDown: false };

/** While the server or the way to it is down, or barred, the browser may say that it can't connect. */
export function excuse(isDown) {
  excused.isDown = isDown;
}

export async function open(url, { viewport = WIDE, script, argument, ...options } = {}) {
  const context = await browser.newContext({ locale: "en-US", viewport, ...options });
  context.setDefaultTimeout(10_000);
  await context.addInitScript(() => {
    addEventListener("securitypolicyviolation", (event) =>
      console.error(`CSP: ${event.violatedDirective} ${event.blockedURI}`),
    );
  });
  if (script) await context.addInitScript(script, argument);
  const page = await context.newPage();
  page.on("console", (message) => {
    if (!["error", "warning"].includes(message.type())) return;
    const link = /^WebSocket connection to .* failed|net::ERR_|status of 40[034]/;
    const isLink = link.test(message.text());
    if (excused.isDown && isLink) return;
    if (message.location().url.endsWith("/favicon.ico")) return; // of what is no page of ours
    complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("dialog", (dialog) => {
    complaints.push(`dialog: ${dialog.message()}`);
    dialog.dismiss();
  });
  await page.goto(url);
  return page;
}

export const field = (page) => page.locator("#name");
export const items = (page) => page.locator("#names li");
export const entry = (page, name) =>
  items(page).filter({ has: page.locator("bdi").getByText(name, { exact: true }) });
export const sees = (page, name) => entry(page, name).waitFor();
export const seesNot = (page, name) => entry(page, name).waitFor({ state: "detached" });
export const says = (page, id, words) => page.locator(`#${id}`).getByText(words).waitFor();
export const state = (page, name) => page.locator(`body[data-state=${name}]`).waitFor();
export const isFocused = (page, selector) => page.locator(`${selector}:focus`).waitFor();
export const listed = (page) => page.locator("#names bdi").allTextContents();
export const shot = (page, name) => page.screenshot({ path: here(`shots/${name}.png`) });

export async function enter(page, name) {
  await field(page).fill(name);
  await page.keyboard.press("Enter");
}

/** One entry is that of the page itself, and has this name: in one look, as the list may change. */
export const isMe = (page, name) =>
  page
    .locator("#names:not(:has(li.me ~ li.me)) li.me bdi")
    .getByText(name, { exact: true })
    .waitFor();

export async function noSidewaysScroll(page) {
  const [content, view] = await page.evaluate(() => [
    document.documentElement.scrollWidth,
    document.documentElement.clientWidth,
  ]);
  assert.ok(content <= view, `the page is ${content} px wide in a view of ${view} px`);
}

/** What has a page think that there is no network, or that it is back. Open sockets are left alone. */
export async function networkOf(page) {
  const cdp = await page.context().newCDPSession(page);
  const limits = { latency: 0, downloadThroughput: -1, uploadThroughput: -1 };
  return (offline) => cdp.send("Network.emulateNetworkConditions", { offline, ...limits });
}

// ---- A server inside the page, to say what the real one does not -------------------------------

const digests = readFileSync(here("digest.mjs"), "utf8").replaceAll("\nexport ", "\n");
export const fakeServer = `(() => { ${digests}; (${fakes})(Copies); })();`;

function fakes(Copies) {
  window.sockets = [];
  window.WebSocket = class {
    sent = []; // all but pings and the hello, without their ids
    asked = []; // the ids of requests that have no answer yet
    copies = new Copies(window.sockets.at(-1)?.copies);
    constructor() {
      window.sockets.push(this);
      queueMicrotask(() => {
        this.readyState = 1;
        this.onopen({});
      });
    }
    tell(event, detail) {
      if (event !== "pong") this.seq = detail.seq ?? this.seq;
      this.onmessage({ data: this.write(event, detail) });
    }
    write(event, detail) {
      const isOfList = event === "roster" || event === "change";
      const digest = isOfList ? this.copies.take(event, detail) : undefined;
      return JSON.stringify([event, { ...detail, digest }]);
    }
    // What comes of a request is for the test to say, but a status is told without its doing.
    send(text) {
      const [event, ...parts] = JSON.parse(text);
      if (event === "hello") {
        queueMicrotask(() => this.tell("welcome", { resumed: [] }));
        return;
      }
      if (event === "ping") {
        queueMicrotask(() => this.tell("pong", { seq: this.seq ?? 0 }));
        return;
      }
      const { id, ...options } = parts.pop();
      this.asked.push(id);
      if (Object.keys(options).length > 0) parts.push(options);
      this.sent.push(JSON.stringify([event, ...parts]));
      if (event === "set") queueMicrotask(() => this.answer("ok"));
    }
    answer(event, detail) {
      for (const id of this.asked.splice(0)) this.tell(event, { ...detail, id });
    }
    close() {}
  };
  // A link that is lost while the network changes is no reason to wait.
  window.renew = () => {
    window.sockets.at(-1).onclose({ code: 1006 });
    dispatchEvent(new Event("online"));
  };
  window.receive = ([event, detail]) => {
    const socket = window.sockets.at(-1);
    if (event === "error") return socket.answer(event, detail);
    socket.tell(event, detail);
    if (event === "change") socket.answer("ok");
  };
}

// The path of the WebSocket that the page of a server asks for when it is behind `path` of a proxy.
export async function webSocketBehind(url, path) {
  const page = await open(url, { script: fakeServer });
  const html = await page.evaluate(() => fetch("/").then((answer) => answer.text()));
  const answer = { body: html, contentType: "text/html" };
  await page.route(`**${path.split("#")[0]}`, (route) => route.fulfill(answer));
  await page.addInitScript(() => {
    const Fake = window.WebSocket;
    window.WebSocket = class extends Fake {
      constructor(address) {
        super();
        window.address = address;
      }
    };
  });
  await page.goto(url + path);
  await page.waitForFunction(() => window.address);
  const { pathname } = new URL(await page.evaluate(() => window.address));
  await page.context().close();
  return pathname;
}

export const receive = (page, message) => page.evaluate((it) => window.receive(it), message);

// ---- Checking ----------------------------------------------------------------------------------

let passed = 0;
export let failed = 0;

export async function check(what, run) {
  try {
    const note = await run();
    passed++;
    console.log(`ok    ${what}${note ? ` (${note})` : ""}`);
  } catch (error) {
    failed++;
    console.log(`FAIL  ${what}\n      ${String(error.stack).replaceAll("\n", "\n      ")}`);
  }
}

mkdirSync(here("shots"), { recursive: true });
export const browser = await chromium.launch({
  executablePath: CHROMIUM,
  args: ARGUMENTS,
  // Playwright switches off the back/forward cache, which readers have.
  ignoreDefaultArgs: ["--disable-back-forward-cache"],
});

/** The last check, and the sum of all. */
export async function finish() {
  await check("no errors, warnings, policy violations or dialogs in any page", () => {
    assert.deepEqual(complaints, []);
  });
  await browser.close();
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed ? 1 : 0;
}
