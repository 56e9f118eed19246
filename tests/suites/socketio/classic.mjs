// A page that was written for socket.io, unchanged, in Chromium: classic/ with our script.
//
//     npm ci && node classic.mjs
//
// HEADCOUNT  the server's binary; otherwise ../../../target/release/headcount
// CHROMIUM   the browser's; otherwise /usr/bin/chromium

import assert from "node:assert/strict";

import { HEADCOUNT, Program, check, conclude, here, launch } from "./harness.mjs";

const MARKUP = "<img src=x onerror=alert(1)>";

const server = await Program.start(HEADCOUNT, "--www", here("classic"));
const browser = await launch();
const complaints = []; // what no page may do: errors, violations, dialogs
const requests = []; // what pages ask the server for, of Socket.IO
let serverIsDown = false; // then, and only then, the browser may say that it cannot connect

async function open() {
  const context = await browser.newContext();
  context.setDefaultTimeout(10_000);
  const page = await context.newPage();
  page.on("console", (message) => {
    if (!["error", "warning"].includes(message.type())) return;
    if (serverIsDown && /^WebSocket connection to .* failed/.test(message.text())) return;
    if (/favicon.ico$/.test(message.location().url)) return;
    complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("dialog", (dialog) => {
    complaints.push(`dialog: ${dialog.message()}`);
    dialog.dismiss();
  });
  const note = (kind, url) => url.includes("/socket.io/") && requests.push([kind, new URL(url)]);
  page.on("request", (request) => note("http", request.url()));
  page.on("websocket", (websocket) => note("websocket", websocket.url()));
  await page.goto(server.url);
  return page;
}

async function enter(page, name) {
  await page.locator("#name").fill(name);
  await page.locator("#enter").click();
  await page.locator("#welcome").getByText("Welcome!").waitFor();
}

/** Waits until a page lists these names, as text. */
async function lists(page, ...names) {
  await page.waitForFunction(
    (names) => {
      const items = [...document.querySelectorAll("#list li")].map((item) => item.textContent);
      return JSON.stringify(items) === JSON.stringify(names);
    },
    names,
    { timeout: 10_000 },
  );
  assert.equal(await page.locator("#count").textContent(), String(names.length));
}

let ada;
let han;
let guest;

await check("two tabs log in, and each sees the other", async () => {
  ada = await open();
  await lists(ada);
  han = await open();
  await enter(ada, "Ada");
  await lists(ada, "Ada");
  await lists(han, "Ada");
  await enter(han, "韩梅梅");
  await lists(ada, "Ada", "韩梅梅");
  await lists(han, "Ada", "韩梅梅");
});

await check("it takes one script and one WebSocket, and no polling", async () => {
  const seen = requests.map(([kind, { pathname }]) => `${kind} ${pathname}`).sort();
  const [script, socket] = ["http /socket.io/socket.io.js", "websocket /socket.io/"];
  assert.deepEqual(seen, [script, script, socket, socket]);
  const websocket = requests.find(([kind]) => kind === "websocket")[1];
  assert.equal(websocket.search, "?EIO=4&transport=websocket");
});

await check("a name of markup is text and runs nothing", async () => {
  guest = await open();
  await lists(guest, "Ada", "韩梅梅");
  await enter(guest, MARKUP);
  for (const page of [ada, han, guest]) {
    await lists(page, MARKUP, "Ada", "韩梅梅");
    assert.equal(await page.locator("#list img").count(), 0);
  }
});

await check("a tab that is closed leaves the list", async () => {
  await guest.context().close();
  await lists(ada, "Ada", "韩梅梅");
  await han.reload();
  await lists(han, "Ada");
  await lists(ada, "Ada");
});

await check("io.connect() with an address is the same room, and a namespace is another", async () => {
  for (const [path, expected] of [["", ["Ada"]], ["/", ["Ada"]], ["/custom", []]]) {
    const names = await han.evaluate((path) => {
      const socket = window.io.connect(location.origin + path);
      return new Promise((resolve) => socket.on("login", resolve));
    }, path);
    assert.deepEqual(names, expected);
  }
});

await check("a server that is killed and started again has its pages back", async () => {
  serverIsDown = true;
  await server.kill();
  await server.revive();
  for (const page of [ada, han]) await lists(page);
  serverIsDown = false;
  await enter(han, "韩梅梅");
  for (const page of [ada, han]) await lists(page, "韩梅梅");
});

await check("no errors, warnings, policy violations or dialogs in any page", () => {
  assert.deepEqual(complaints, []);
});

await browser.close();
await server.kill();
conclude();
