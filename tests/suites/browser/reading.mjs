// The page as readers have it: on paper, translated, with letters of their own size and space, in
// their own colours, and through a server that refuses most of what is asked.
//
//     npm ci && node reading.mjs
//
// The pages are in shots/, to be looked at: what is ugly, no program finds.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createServer } from "node:http";
import { once } from "node:events";

import {
  PHONE,
  Server,
  browser,
  check,
  enter,
  fakeServer,
  finish,
  here,
  isMe,
  items,
  noSidewaysScroll,
  open,
  receive,
  says,
  shot,
  state,
  webSocketBehind,
} from "./harness.mjs";

const server = await Server.start();
const { url } = server;
const NAMES = ["رضا", "سارا محمدی", "නිමල් පෙරේරා", "Maria das Graças"].concat(
  [..."W王"].map((wide) => wide.repeat(32)),
);

// A page with these names on its list, from a server inside it.
async function withNames(names, options) {
  const page = await open(url, { script: fakeServer, ...options });
  await receive(page, ["roster", { seq: 1, names: [...names].sort() }]);
  await state(page, "live");
  return page;
}

const style = (page, css) =>
  page.evaluate((css) => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(css);
    document.adoptedStyleSheets = [sheet];
  }, css);

// ---- On paper ----------------------------------------------------------------------------------

const crowd = (count) =>
  Array.from({ length: count }, (_, i) => `Person ${String(i).padStart(4, "0")}`);

for (const count of [150, 2_000, 10_000]) {
  await check(`all of ${count} names are printed, once`, async () => {
    const page = await withNames(crowd(count), { colorScheme: "dark" });
    await says(page, "count", count.toLocaleString("en"));
    const before = await items(page).count();
    await page.evaluate(() => scrollTo(0, 10_000));
    const path = here(`shots/print-${count}.pdf`);
    const margin = { top: "2cm", right: "2cm", bottom: "2cm", left: "2cm" };
    await page.pdf({ path, format: "A4", margin });
    const text = execFileSync("pdftotext", ["-layout", path, "-"], { maxBuffer: 1 << 26 });
    const printed = text.toString().match(/Person \d{4}/g);
    assert.equal(printed.length, count);
    assert.equal(new Set(printed).size, count);
    assert.ok(text.includes("here now"));
    assert.ok(!text.includes("Log in"), "there is nothing to press on paper");
    await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(resolve)));
    const after = await items(page).count();
    assert.ok(after <= Math.max(before, 1_000), "afterwards a long list is a window again");
    await page.context().close();
  });
}

await check("print preview without a print: the style of paper shows all as well", async () => {
  const page = await withNames(crowd(2_000));
  assert.ok((await items(page).count()) < 1_000);
  await page.emulateMedia({ media: "print" });
  await page.waitForFunction(() => document.querySelectorAll("#names li").length === 2_000);
  await page.context().close();
});

await check("up to 1,000 names the browser finds any of them in the page", async () => {
  const page = await withNames(crowd(1_000));
  assert.equal(await items(page).count(), 1_000);
  assert.equal(await items(page).first().getAttribute("aria-setsize"), null);
  assert.equal(await page.evaluate(() => window.find("Person 0987")), true);
  await page.context().close();
});

// ---- Translated --------------------------------------------------------------------------------

// As Chrome does it: words are put into elements of the translator's, again whenever they change;
// what is marked as not to be translated is left alone.
function translator() {
  window.rewrites = {};
  const translate = (root) => {
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    const found = [];
    while (walker.nextNode()) {
      const node = walker.currentNode;
      const parent = node.parentElement;
      if (!parent || !node.data.trim() || parent.closest("font, script, style")) continue;
      if (parent.closest("[translate=no]")) continue;
      found.push(node);
    }
    for (const node of found) {
      const font = document.createElement("font");
      font.append(document.createElement("font"));
      font.firstChild.textContent = `«${node.data}»`;
      node.replaceWith(font);
    }
  };
  new MutationObserver((records) => {
    for (const { target, addedNodes } of records) {
      if ([...addedNodes].some((node) => node.nodeName === "FONT")) continue;
      const id = target.closest?.("[id]")?.id;
      if (id) window.rewrites[id] = (window.rewrites[id] ?? 0) + 1;
    }
    translate(document.body);
  }).observe(document.body, { childList: true, subtree: true, characterData: true });
  translate(document.body);
}

await check("a translated page keeps names, and rewrites nothing that is the same", async () => {
  const page = await open("about:blank", { script: fakeServer });
  await page.clock.install();
  await page.goto(url);
  await receive(page, ["roster", { seq: 1, names: ["Rose", "Will"] }]);
  await enter(page, "Hope");
  await receive(page, ["change", { seq: 2, joined: ["Hope"], left: [] }]);
  await page.clock.runFor(15_000);
  await isMe(page, "Hope");
  await page.evaluate(translator);
  assert.match(await page.locator("#me").textContent(), /^«You are on the list as »Hope«.»$/);
  assert.deepEqual(await page.locator("#names bdi").allTextContents(), ["Hope", "Rose", "Will"]);
  await page.evaluate(() => (window.rewrites = {}));

  for (let seq = 3; seq < 13; seq++) {
    const [joined, left] = seq % 2 ? [["Bill"], []] : [[], ["Bill"]];
    await receive(page, ["change", { seq, joined, left }]);
    await page.clock.runFor(100);
  }
  await page.clock.runFor(20_000);
  const rewrites = await page.evaluate(() => window.rewrites);
  const { names, count, ...others } = rewrites;
  assert.ok(names <= 20 && count <= 20, JSON.stringify(rewrites));
  assert.ok((others.news ?? 0) <= 2, `the live region: ${others.news} times`);
  delete others.news;
  assert.deepEqual(others, {}, "nothing else has changed");

  await receive(page, ["change", { seq: 13, joined: ["Rosa"], left: [] }]);
  await page.clock.runFor(20_000);
  const news = page.locator("#news");
  assert.match(await news.textContent(), /^Rosa« joined»«, »/);
  assert.equal(await news.locator("bdi[translate=no]").textContent(), "Rosa");
  await page.context().close();
});

await check("every name in the page stands in an element that is not to be translated", async () => {
  const page = await withNames(["Rose"]);
  await enter(page, "Will");
  await receive(page, ["change", { seq: 2, joined: ["Will"], left: [] }]);
  await isMe(page, "Will");
  const bare = await page.evaluate(() => {
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const bare = [];
    while (walker.nextNode()) {
      const { data, parentElement } = walker.currentNode;
      if (/Rose|Will/.test(data) && !parentElement.closest("[translate=no]")) bare.push(data);
    }
    return bare;
  });
  assert.deepEqual(bare, []);
  await page.context().close();
});

// ---- Letters and colours -----------------------------------------------------------------------

// Elements whose content is larger than they are, and cut.
const cut = (page) =>
  page.evaluate(() =>
    [...document.querySelectorAll("body *")]
      .filter((node) => {
        const style = getComputedStyle(node);
        const isOut =
          node.scrollWidth > node.clientWidth + 1 || node.scrollHeight > node.clientHeight + 1;
        const isCut = /clip|hidden/.test(style.overflowX + style.overflowY);
        // What is for screen readers alone is cut on purpose.
        return isOut && isCut && node.clientWidth > 0 && !node.closest("input, .unseen");
      })
      .map((node) => `${node.tagName} ${node.textContent}`),
  );

// Each row holds its name, and no row or control is outside the view.
async function allIsThere(page) {
  assert.deepEqual(await cut(page), []);
  await noSidewaysScroll(page);
  const out = await page.evaluate(() =>
    [...document.querySelectorAll("#names bdi, input, button, h1, #state, #me")]
      .filter((node) => node.checkVisibility())
      .filter((node) => {
        const { left, right, top, bottom } = node.getBoundingClientRect();
        const row = node.closest("li")?.getBoundingClientRect();
        const isOutOfRow = row && (top < row.top - 1 || bottom > row.bottom + 1);
        return isOutOfRow || left < -1 || right > document.documentElement.clientWidth + 1;
      })
      .map((node) => `${node.tagName} ${node.textContent}`),
  );
  assert.deepEqual(out, []);
}

// WCAG 2.2, success criterion 1.4.12.
const SPACED = `* {
  line-height: 1.5 !important;
  letter-spacing: 0.12em !important;
  word-spacing: 0.16em !important;
} p { margin-bottom: 2em !important; }`;

const LARGE = "html { font-size: 32px !important; }";
const NARROW = { width: 390, height: 844 };
const ZOOMED = { viewport: { width: 320, height: 256 }, deviceScaleFactor: 4 };
for (const [what, options, css] of [
  ["text spacing of WCAG 1.4.12", {}, SPACED],
  ["text spacing on a phone", { viewport: PHONE }, SPACED],
  ["letters of 32 px on a phone", { viewport: NARROW }, LARGE],
  ["letters of 32 px", {}, LARGE],
  ["400 % zoom", ZOOMED, ""],
  ["400 % zoom, dark", { ...ZOOMED, colorScheme: "dark" }, ""],
  ["forced colours", { forcedColors: "active" }, ""],
  ["forced colours, dark", { forcedColors: "active", colorScheme: "dark" }, ""],
  ["a Chinese phone with letters of 32 px", { viewport: NARROW, locale: "zh-CN" }, LARGE],
]) {
  await check(`${what}: nothing is cut, and nothing is out of view`, async () => {
    const page = await withNames(NAMES, options);
    await style(page, css);
    await allIsThere(page); // watching
    for (const [seq, own] of [[2, "محمدرضا"], [4, "M".repeat(32)]]) {
      await enter(page, own);
      await receive(page, ["change", { seq, joined: [own], left: [] }]);
      await isMe(page, own);
      await allIsThere(page);
      await shot(page, what.replaceAll(/[^a-z0-9]+/gi, "-"));
      await receive(page, ["change", { seq: seq + 1, joined: [], left: [own] }]);
    }
    await page.context().close();
  });
}

await check("a long list with text spacing scrolls to its end, each name once", async () => {
  const names = crowd(3_000).map((name) => `${name} ${"W".repeat(20)}`);
  const page = await withNames(names, { viewport: PHONE });
  await style(page, SPACED);
  for (let round = 0; round < 10; round++) {
    await page.evaluate(() => scrollTo(0, document.documentElement.scrollHeight));
    await page.evaluate(
      () => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve))),
    );
  }
  const last = page.locator("#names li[aria-posinset='3000']");
  const box = await last.boundingBox();
  assert.ok(box.y > 0 && box.y + box.height <= PHONE.height + 1, JSON.stringify(box));
  await page.context().close();
});

// ---- Refused -----------------------------------------------------------------------------------

await check("a page is one request, and the WebSocket", async () => {
  const asked = [];
  const gate = createServer((request, response) => {
    asked.push(request.url);
    if (asked.length > 1) return response.writeHead(429, { "Retry-After": "1" }).end();
    fetch(`${url}${request.url}`).then(async (answer) => {
      for (const field of ["content-type", "content-security-policy"]) {
        response.setHeader(field, answer.headers.get(field));
      }
      response.end(await answer.text());
    });
  });
  gate.on("upgrade", (request, socket) => {
    asked.push(request.url);
    socket.end("HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
  });
  gate.listen(0, "127.0.0.1");
  await once(gate, "listening");
  const page = await browser.newPage();
  await page.goto(`http://127.0.0.1:${gate.address().port}/`);
  await page.getByText("Reconnecting…").waitFor();
  assert.deepEqual(asked.slice(0, 2), ["/", "/ws"]);
  const background = await page.evaluate(() => getComputedStyle(document.body).margin);
  assert.equal(background, "0px", "it has its style");
  await new Promise((resolve) => setTimeout(resolve, 6_000));
  assert.ok(asked.length > 2 && asked.slice(2).every((path) => path === "/ws"), `${asked}`);
  await page.context().close();
  gate.closeAllConnections();
  gate.close();
});

await check("a page behind a path of a proxy finds its WebSocket there", async () => {
  assert.equal(await webSocketBehind(url, "/rooms/"), "/rooms/ws");
});

await finish();
await server.kill();
