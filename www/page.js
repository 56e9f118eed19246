// The page: a form to log in with, and the live list.

import { canonical, connect } from "./headcount.js";
import { texts } from "./words.js";

const wish = navigator.languages.find((tag) => /^(en|zh)\b/i.test(tag)) ?? "en";
const lang = /^zh/i.test(wish) ? "zh-Hans" : "en";
const text = texts[lang];
const number = new Intl.NumberFormat(lang);
const said = new Map(); // id of an element → the words in it

const element = (id) => document.getElementById(id);
const [form, field, login, logout] = ["form", "name", "login", "logout"].map(element);
const [above, list, below] = ["above", "names", "below"].map(element);
const [copy, link] = ["copy", "link"].map(element);

document.documentElement.lang = lang;
for (const node of document.querySelectorAll("[data-text]")) say(node.id, text[node.dataset.text]);
link.ariaLabel = text.link;

// Writes strings and nodes where there was something else before. A status region may speak
// whenever it is written to. Whether it is new is not looked up in the document, where a
// translator may have put other words.
function say(id, ...parts) {
  const words = parts.map((part) => part.textContent ?? part).join("\0");
  if (said.get(id) === words) return;
  said.set(id, words);
  element(id).replaceChildren(...parts);
}

// A sentence about a name, or a number, as parts to be said.
function sentence(template, value) {
  const [before, after] = template.split("{}");
  if (after === undefined) return [before];
  return [before, typeof value === "number" ? number.format(value) : isolated(value), after];
}

// A name runs in its own direction, whatever the words around it, and means the same in all
// languages: Rose is no flower.
function isolated(name) {
  const bdi = document.createElement("bdi");
  bdi.translate = false;
  bdi.textContent = name;
  return bdi;
}

// ---- The name, remembered ----------------------------------------------------------------------
// For the next visit, to fill in the field. It may be denied: then nothing is remembered. Who this
// tab is after a reload, the module knows.

function recall() {
  try {
    return localStorage.getItem("headcount.name");
  } catch {
    return null;
  }
}

function remember(name) {
  try {
    localStorage.setItem("headcount.name", name);
  } catch {}
}

// ---- Logging in and out ------------------------------------------------------------------------

form.addEventListener("submit", (event) => {
  event.preventDefault();
  refuse("");
  // The server judges names. That there is none we can tell even without it.
  if (canonical(field.value) === "") return refuse(text.refused.name_empty);
  room.login(field.value);
  showName();
  // Puts the on-screen keyboard away, which covers the list.
  if (matchMedia("(pointer: coarse)").matches) field.blur();
});

logout.addEventListener("click", () => {
  if (document.activeElement === logout) field.focus(); // the button is about to go
  refuse("");
  room.logout();
  showName();
});

field.addEventListener("input", () => refuse(""));

function refuse(words, language = lang) {
  element("refusal").lang = language;
  say("refusal", words);
  field.setAttribute("aria-invalid", words !== "");
  // Back to the field, but not away from something else.
  if (words && [document.body, login, logout].includes(document.activeElement)) field.focus();
}

function showName() {
  const { name } = room;
  const present = !lost && room.has(name);
  const words = name === null ? text.watching : present ? text.present : text.entering;
  say("me", ...sentence(words, name));
  say("login", name === null ? text.login : text.rename);
  logout.hidden = name === null;
  if (name !== marked) schedule();
  if (present) remember(name);
}

// ---- The room ----------------------------------------------------------------------------------
// It stands in the fragment of the address: so the page is one wherever it is served, below a path
// or from a folder, and another room needs no other page.

const IDLE_AFTER = 5 * 60_000; // ms

let room;
let lost = false; // stays so through all attempts, for the message not to flicker
let isBarred = false; // the server has no such room

function follow() {
  const name = named(location.hash);
  if (room?.room === name) return;
  const me = room?.name ?? null;
  room?.close();
  clear();
  room = connect("ws", { room: name, autoStatus: true, idleAfter: IDLE_AFTER });
  room.on("state", moved);
  room.on("roster", update);
  room.on("change", change);
  room.on("error", ({ code, message }) => {
    const known = text.refused[code];
    refuse(known ?? message, known ? lang : "en");
    showName();
  });
  if (me !== null) room.login(me);
  lost = isBarred = false;
  moved(room.state);
}

// A % may be one that was typed. A step "." or ".." can be part of no address, and so of no room.
function named(fragment) {
  const decode = (part) => {
    try {
      return decodeURIComponent(part);
    } catch {
      return part;
    }
  };
  const name = fragment.slice(1).replace(/(?:%[\da-f]{2})+/gi, decode);
  return canonical(name.replace(/(^|\/)\.{1,2}(?=\/|$)/g, "$1"));
}

function moved(state) {
  if (state === "closed") return; // for another room
  if (state === "waiting") lost = true;
  if (state === "open") lost = isBarred = false;
  say("place", room.room || "headcount"); // as the server has it
  if (state === "waiting" && room.seq === null && room.room !== "") ask(room);
  showState();
  showName();
}

// Why a room can't be entered a WebSocket does not tell.
async function ask(asked) {
  const path = asked.room.split("/").map(encodeURIComponent).join("/");
  const { status } = await fetch(`roster/${path}`, { method: "HEAD" }).catch(() => ({}));
  if (asked !== room) return;
  isBarred = status >= 400 && status < 405;
  showState();
}

function showState() {
  const live = room.state === "open";
  document.body.dataset.state = live ? "live" : lost ? "lost" : "connecting";
  say("state", isBarred ? text.barred : text[document.body.dataset.state]);
  say("here", lost && room.seq !== null ? text.last : text.here);
}

addEventListener("hashchange", follow);

copy.addEventListener("click", async () => {
  try {
    await navigator.clipboard.writeText(location.href);
    say("copied", text.copied);
  } catch {
    // Without TLS there is no clipboard, and it can be denied: the reader copies by hand.
    link.hidden = false;
    link.value = location.href;
    link.select();
  }
});

// ---- The roster --------------------------------------------------------------------------------

const collator = new Intl.Collator(lang);
// Names that collate alike still need one order, to be found again.
const compare = (a, b) => collator.compare(a, b) || (a < b ? -1 : a > b ? 1 : 0);

let names = []; // the roster in the reader's order
const fresh = new Set(); // who joined since the last frame

function change({ joined, left, updated }) {
  for (const name of joined) fresh.add(name);
  for (const name of left) fresh.delete(name); // a page in the background draws no frames
  update({ joined, left, updated });
}

// After a roster any of those shown may have another status.
function update({ joined, left, updated = shown.keys() }) {
  for (const name of updated) mark(name);
  // A few names are put in their places one by one; with many, sorting anew is cheaper.
  if (joined.length + left.length > names.length / 16) {
    const gone = new Set(left);
    names = names.filter((name) => !gone.has(name)).concat(joined).sort(compare);
  } else {
    for (const name of left) names.splice(place(name), 1);
    for (const name of joined) names.splice(place(name), 0, name);
  }
  const title = `(${names.length}) ${room.room && `${room.room} · `}headcount`;
  if (document.title !== title) document.title = title;
  note(joined, left);
  showName();
  schedule();
}

// Where in `names` this one is, or belongs.
function place(name) {
  let low = 0;
  let high = names.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compare(names[middle], name) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

// ---- The list ----------------------------------------------------------------------------------
// Up to some length the list is in the document as a whole, so that the browser can find any name
// in the page. Of a longer one only the rows in and around the view are there, between two boxes as
// high as the rest: a change costs about the same however long it is. The window moves in whole
// blocks. What is printed is always the whole list.

const WHOLE = 1_000; // names; a change to so many costs 3 ms of layout, and 35 ms to 10,000
const BLOCK = 40; // rows

const shown = new Map(); // name → its <li>
let columns = 1;
let rowHeight = 48;
let marked = null; // the name marked as the reader's own
let isPrinting = false;
let frame = 0;

function schedule() {
  frame ||= requestAnimationFrame(draw);
}

// Rows are as high as their names need, so what is not there is as high as the average.
function measure() {
  columns = getComputedStyle(list).gridTemplateColumns.split(" ").length;
  const rows = Math.ceil(shown.size / columns);
  if (rows > 0) rowHeight = list.getBoundingClientRect().height / rows;
  schedule();
}

// Which rows of so many are to be in the document.
function range(rows) {
  if (isPrinting || names.length <= WHOLE) return [0, rows];
  const top = -above.getBoundingClientRect().top / rowHeight; // rows scrolled out of view
  const bottom = top + innerHeight / rowHeight;
  const last = Math.min(rows, Math.max(0, Math.ceil(bottom / BLOCK) + 1) * BLOCK);
  return [Math.min(last, Math.max(0, Math.floor(top / BLOCK) - 1) * BLOCK), last];
}

function draw() {
  frame = 0;
  const rows = Math.ceil(names.length / columns);
  const [first, last] = range(rows);
  const start = first * columns;
  const view = names.slice(start, last * columns);

  const { name } = room;
  if (name !== marked) {
    drop(marked);
    drop(name);
    marked = name;
  }

  const wanted = new Set(view);
  for (const name of shown.keys()) if (!wanted.has(name)) drop(name);
  // What is left is in order, so each name is either next or missing.
  const isWhole = view.length === names.length;
  let next = list.firstElementChild;
  view.forEach((name, i) => {
    let item = shown.get(name);
    if (item) {
      next = item.nextElementSibling;
    } else {
      item = create(name);
      list.insertBefore(item, next);
    }
    // Where all are there, a screen reader counts them itself.
    const [position, size] = isWhole ? [null, null] : [`${start + i + 1}`, `${names.length}`];
    if (item.ariaPosInSet !== position) item.ariaPosInSet = position;
    if (item.ariaSetSize !== size) item.ariaSetSize = size;
  });
  fresh.clear();

  above.style.height = `${first * rowHeight}px`;
  below.style.height = `${(rows - last) * rowHeight}px`;
  const known = room.seq !== null;
  const count = known ? number.format(names.length) : "–";
  say("count", count);
  element("count").style.setProperty("--digits", count.length);
  element("empty").hidden = !known || names.length > 0;
}

function create(name) {
  const item = document.createElement("li");
  item.append(document.createElement("i"), isolated(name));
  if (name === marked) {
    const tag = document.createElement("small");
    tag.textContent = text.you;
    item.className = "me";
    item.append(" ", tag);
  } else if (fresh.has(name)) {
    item.className = "fresh";
  }
  shown.set(name, item);
  mark(name);
  return item;
}

// The dot beside a name. That somebody is active goes without saying.
function mark(name) {
  const dot = shown.get(name)?.firstChild;
  const status = room.statusOf(name) ?? "active";
  if (!dot || dot.className === status) return;
  dot.className = status;
  dot.role = text[status] ? "img" : null;
  dot.title = dot.ariaLabel = text[status] ?? "";
}

function drop(name) {
  shown.get(name)?.remove();
  shown.delete(name);
}

addEventListener("scroll", schedule, { passive: true });
addEventListener("resize", schedule);
new ResizeObserver(measure).observe(list);

// Printing waits for no frame.
function toPaper(isPaper) {
  if (isPaper === isPrinting) return;
  isPrinting = isPaper;
  draw();
}
addEventListener("beforeprint", () => toPaper(true));
addEventListener("afterprint", () => toPaper(false));
matchMedia("print").addEventListener("change", ({ matches }) => toPaper(matches));

// ---- News --------------------------------------------------------------------------------------
// What a screen reader tells of the list: who came and went, summed up and not too often. The
// reader's own name has a line of its own.

const NEWS_AFTER = 2_000; // ms; what happens together is told together
const NEWS_EVERY = 10_000; // ms; at most

const came = new Set();
const went = new Set();
let teller = 0;
let told = -Infinity;

function note(joined, left) {
  // The first roster is news only as a whole.
  if (told > 0) {
    for (const name of joined) if (!went.delete(name)) came.add(name);
    for (const name of left) if (!came.delete(name)) went.add(name);
  }
  teller ||= setTimeout(tell, Math.max(NEWS_AFTER, told + NEWS_EVERY - performance.now()));
}

// Another room: nothing of this one is left.
function clear() {
  for (const name of [...shown.keys()]) drop(name);
  for (const set of [fresh, came, went]) set.clear();
  clearTimeout(teller);
  teller = 0;
  names = [];
  marked = null;
  told = -Infinity;
  link.hidden = true;
  document.title = "headcount";
  for (const id of ["copied", "news"]) say(id, "");
  refuse("");
  schedule();
}

function tell() {
  teller = 0;
  came.delete(room.name);
  const news = [];
  for (const [template, set] of [
    [text.joined, came],
    [text.left, went],
  ]) {
    const [only] = set;
    if (set.size === 1) news.push(...sentence(template, only), text.comma);
    if (set.size > 1) {
      news.push(template.replace("{}", text.several.replace("{}", number.format(set.size))));
      news.push(text.comma);
    }
  }
  if (news.length || told < 0) say("news", ...news, ...sentence(text.total, names.length));
  came.clear();
  went.clear();
  told = performance.now();
}

follow();
field.value = room.name ?? recall() ?? "";
measure();
