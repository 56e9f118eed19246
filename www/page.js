// The page: a form to log in with, and the live list.

import { canonical, connect } from "./headcount.js";

const texts = {
  en: {
    here: "here now",
    last: "at last count", // the label of the count while there is no connection
    label: "Your name",
    login: "Log in",
    rename: "Rename",
    logout: "Log out",
    you: "you",
    empty: "Nobody yet. Be the first.",
    connecting: "Connecting…",
    live: "Live",
    lost: "Reconnecting…",
    watching: "You are watching, not on the list.",
    entering: "Logging in as {}…",
    present: "You are on the list as {}.",
    several: "{}",
    joined: "{} joined",
    left: "{} left",
    total: "{} here now",
    comma: ", ",
    refused: {
      name_empty: "Enter a name first.",
      name_too_long: "That name is too long.",
      name_invalid: "That name has invisible or control characters, or too many combining marks.",
      rate_limited: "Too many name changes. Wait a minute, then try again.",
    },
  },
  "zh-Hans": {
    here: "人在线",
    last: "人（断线前）",
    label: "你的名字",
    login: "登录",
    rename: "改名",
    logout: "退出",
    you: "你",
    empty: "还没有人，来当第一个吧。",
    connecting: "正在连接…",
    live: "实时更新中",
    lost: "正在重新连接…",
    watching: "你正在旁观，不在名单上。",
    entering: "正在以“{}”登录…",
    present: "你已登录，名字是“{}”。",
    several: "{} 人",
    joined: "{}加入",
    left: "{}离开",
    total: "共 {} 人在线",
    comma: "，",
    refused: {
      name_empty: "请先输入名字。",
      name_too_long: "名字太长了。",
      name_invalid: "名字里有不可见字符、控制字符，或过多的组合符号。",
      rate_limited: "改名太频繁了，请一分钟后再试。",
    },
  },
};

const wish = navigator.languages.find((tag) => /^(en|zh)\b/i.test(tag)) ?? "en";
const lang = /^zh/i.test(wish) ? "zh-Hans" : "en";
const text = texts[lang];
const number = new Intl.NumberFormat(lang);

document.documentElement.lang = lang;
for (const node of document.querySelectorAll("[data-text]")) {
  node.textContent = text[node.dataset.text];
}

const element = (id) => document.getElementById(id);
const [form, field, login, logout] = ["form", "name", "login", "logout"].map(element);
const [above, list, below] = ["above", "names", "below"].map(element);

// A status region may speak whenever it is written to, so write only what is new.
function say(id, words) {
  if (element(id).textContent !== words) element(id).textContent = words;
}

// ---- The name, remembered ----------------------------------------------------------------------
// For the next visit in localStorage, to fill in the field; in sessionStorage while this tab is
// logged in, to be so again after a reload. Either may be denied: then nothing is remembered.

function recall(storage) {
  try {
    return window[storage].getItem("headcount.name");
  } catch {
    return null;
  }
}

function remember(storage, name) {
  try {
    if (name === null) window[storage].removeItem("headcount.name");
    else window[storage].setItem("headcount.name", name);
  } catch {}
}

// ---- Logging in and out ------------------------------------------------------------------------

const room = connect();
const held = recall("sessionStorage");
field.value = held ?? recall("localStorage") ?? "";
if (held !== null) room.login(held);

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

room.on("error", ({ code, message }) => {
  const known = text.refused[code];
  refuse(known ?? message, known ? lang : "en");
  showName();
});

function refuse(words, language = lang) {
  element("refusal").lang = language;
  say("refusal", words);
  field.setAttribute("aria-invalid", words !== "");
  // Back to the field, but not away from something else.
  if (words && [document.body, login, logout].includes(document.activeElement)) field.focus();
}

function showName() {
  const { name } = room;
  const present = room.state === "open" && room.has(name);
  const words = name === null ? text.watching : present ? text.present : text.entering;
  if (element("me").textContent === fill(words, name)) return;

  const [before, after] = words.split("{}");
  element("me").replaceChildren(before, ...(name === null ? [] : [isolated(name), after]));
  login.textContent = name === null ? text.login : text.rename;
  logout.hidden = name === null;
  if (present) remember("localStorage", name);
  if (present || name === null) remember("sessionStorage", name);
  schedule();
}

// A name runs in its own direction, whatever the words around it.
function isolated(name) {
  const bdi = document.createElement("bdi");
  bdi.textContent = name;
  return bdi;
}

// ---- The connection ----------------------------------------------------------------------------

let lost = false; // stays so through all attempts, for the message not to flicker

room.on("state", (state) => {
  if (state === "waiting") lost = true;
  if (state === "open") lost = false;
  showState();
  showName();
});

function showState() {
  const live = room.state === "open";
  document.body.dataset.state = live ? "live" : lost ? "lost" : "connecting";
  say("state", text[document.body.dataset.state]);
  document.querySelector("[data-text=here]").textContent =
    live || room.seq === null ? text.here : text.last;
}

// A connection from before the network went may be dead without knowing it.
addEventListener("online", () => room.reconnect());
document.addEventListener("visibilitychange", () => {
  if (!document.hidden && room.state === "waiting") room.reconnect();
});

// ---- The roster --------------------------------------------------------------------------------

const collator = new Intl.Collator(lang);
// Names that collate alike still need one order, to be found again.
const compare = (a, b) => collator.compare(a, b) || (a < b ? -1 : a > b ? 1 : 0);

let names = []; // the roster in the reader's order
const fresh = new Set(); // who joined since the last frame

room.on("roster", update);

room.on("change", ({ joined, left }) => {
  for (const name of joined) fresh.add(name);
  for (const name of left) fresh.delete(name); // a page in the background draws no frames
  update({ joined, left });
});

function update({ joined, left }) {
  // A few names are put in their places one by one; with many, sorting anew is cheaper.
  if (joined.length + left.length > names.length / 16) {
    const gone = new Set(left);
    names = names.filter((name) => !gone.has(name)).concat(joined).sort(compare);
  } else {
    for (const name of left) names.splice(place(name), 1);
    for (const name of joined) names.splice(place(name), 0, name);
  }
  document.title = `(${names.length}) headcount`;
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
// Of a long list only the rows in and around the view are in the document, between two boxes as
// high as the rest: a change costs about the same however long it is. The window moves in whole
// blocks, so a list of up to two blocks, as most are, is there entirely.

const BLOCK = 40; // rows

const shown = new Map(); // name → its <li>
let columns = 1;
let rowHeight = 48;
let marked = null; // the name marked as the reader's own
let frame = 0;

function schedule() {
  frame ||= requestAnimationFrame(draw);
}

function measure() {
  const style = getComputedStyle(list);
  columns = style.gridTemplateColumns.split(" ").length;
  rowHeight = parseFloat(style.gridAutoRows);
  schedule();
}

function draw() {
  frame = 0;
  const rows = Math.ceil(names.length / columns);
  const top = -above.getBoundingClientRect().top / rowHeight; // rows scrolled out of view
  const bottom = top + innerHeight / rowHeight;
  const last = Math.min(rows, Math.max(0, Math.ceil(bottom / BLOCK) + 1) * BLOCK);
  const first = Math.min(last, Math.max(0, Math.floor(top / BLOCK) - 1) * BLOCK);
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
  let next = list.firstElementChild;
  view.forEach((name, i) => {
    let item = shown.get(name);
    if (item) {
      next = item.nextElementSibling;
    } else {
      item = create(name);
      list.insertBefore(item, next);
    }
    item.ariaPosInSet = start + i + 1;
    item.ariaSetSize = names.length;
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
  item.append(isolated(name));
  if (name === marked) {
    const tag = document.createElement("small");
    tag.textContent = text.you;
    item.className = "me";
    item.append(" ", tag);
  } else if (fresh.has(name)) {
    item.className = "fresh";
  }
  shown.set(name, item);
  return item;
}

function drop(name) {
  shown.get(name)?.remove();
  shown.delete(name);
}

addEventListener("scroll", schedule, { passive: true });
addEventListener("resize", schedule);
new ResizeObserver(measure).observe(list);

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

function tell() {
  teller = 0;
  came.delete(room.name);
  const who = (set) => (set.size === 1 ? [...set][0] : fill(text.several, set.size));
  const news = [];
  if (came.size) news.push(fill(text.joined, who(came)));
  if (went.size) news.push(fill(text.left, who(went)));
  if (news.length || told < 0) {
    news.push(fill(text.total, names.length));
    say("news", news.join(text.comma));
  }
  came.clear();
  went.clear();
  told = performance.now();
}

function fill(template, value) {
  return template.replace("{}", () => (typeof value === "number" ? number.format(value) : value));
}

measure();
showState();
showName();
