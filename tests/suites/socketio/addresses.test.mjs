// Where io(address) leads: our client beside socket.io's own, which is the measure, on pages of
// several kinds.
//
//     npm ci && node --test

import assert from "node:assert/strict";
import { test } from "node:test";

import { World } from "./world.mjs";

const QUERY = "EIO=4&transport=websocket";

const worlds = new Map(); // by client and page: they are many, and costly to make

/** What comes of io(...args): the WebSocket's URL or the first error, and the namespace. */
async function lead(client, page, ...args) {
  const key = client + JSON.stringify(page);
  if (!worlds.has(key)) worlds.set(key, new World(client, page));
  const world = worlds.get(key);
  const options = { transports: ["websocket"], forceNew: true };
  const before = world.sockets.length;
  let socket;
  try {
    socket = world.io(...args, ...(args.length < 2 ? [options] : []));
  } catch (error) {
    return `throws ${error.message ?? error}`;
  }
  let told;
  socket.on("connect_error", (error) => (told ??= error.message));
  if (world.sockets.length === before) await world.tick(20_001); // socket.io's client tells it late
  socket.disconnect();
  return `${world.sockets[before]?.url ?? told} ${socket.nsp}`;
}

const at = (url) => ({ location: new URL(url) });

const PAGES = {
  "http, with a port": at("http://page.test:3000/a/b?c#d"),
  "https, with a port": at("https://page.test:8443/"),
  "https, without": at("https://page.test/x"),
  "the port of https, on http": at("http://page.test:443/"),
  "an IPv4 address": at("http://127.0.0.1:3000/"),
};

const FORMS = [
  ...[undefined, "", "/", "?a=1", "#x", "/?a=1", ":", "//", "http://", "https://", "ws://"],
  ...["/chat", "/chat/", "/a/b", "/a//b", "/聊天", "/n?a=1&a=2", "/n?=1", "/n#f?x=1", "///n"],
  ...["https:///n", "wss:///n?a=b", "/n?a=%26%3D", "/n?a=b+c d", "/n?%61=1"],
  ...[":3000", ":4000", ":4000/", ":4000/chat?a=1", "http://:3000", "https://:3000/n", "ws://:80"],
  ...["wss://:443", "http://:443", "//:3000", "//other.test", "//other.test/chat", "//o.test:81/x"],
  ...["localhost", "localhost:3000", "localhost:3000/", "localhost:3000/chat", "localhost/c?x=1#f"],
  ...["a.test", "a.test:80", "a.test:443", "a.test:", "a-b.test_c:81", "1.2.3.4", "1.2.3.4:5/n"],
  ...["http://a.test", "https://a.test", "ws://a.test", "wss://a.test", "http://a.test/"],
  ...["http://a.test:80", "https://a.test:443", "https://a.test:80", "http://a.test:443"],
  ...["http://a.test:0", "http://a.test:00081", "http://a.test/chat", "http://a.test/chat/"],
  ...["http://a.test?b=2", "http://a.test/?b=2", "http://a.test/n?t=1&x=%26", "http://a.test/#f"],
  ...["http://A.Test/Chat", "http://例え.test/n", "http://[::1]", "http://[::1]:3000/n", "[::1]:3000"],
  ...["[::1]", "//[2001:db8::1]:81", "http://::1", "::1", "http://u:p@a.test/n", "u@a.test"],
  ...["u:p@a.test:81", "http://u@a.test:81", "http:/a.test", "http//a.test", "://a.test", ".", ".."],
  ...["ftp://a.test", "file:///x", "\\\\a", "mailto:80", "null", "undefined", "/undefined"],
];

for (const [kind, page] of Object.entries(PAGES)) {
  test(`${FORMS.length} addresses lead where socket.io's client goes: ${kind}`, async () => {
    for (const form of FORMS) {
      const [ours, theirs] = await Promise.all([
        lead("our client", page, form),
        lead("socket.io-client", page, form),
      ]);
      assert.match(ours, /^wss?:/, `${form}`);
      assert.equal(ours, theirs, `${form}`);
    }
  });
}

// What differs, and is better so. Seen from http://page.test:3000.
const OWN = "ws://page.test:3000/socket.io/";
const DIFFERENT = [
  ["a scheme in capitals is one", "HTTP://a.test/n", `ws://a.test/socket.io/?${QUERY} /n`],
  ["a scheme in capitals is one", "WSS://a.test", `wss://a.test/socket.io/?${QUERY} /`],
  ["what is no port is told", "http://a.test:x", '"x" in the address is not a port x'],
  ["what is no port is told", "a.test:80:90", '":90" in the address is not a port :90'],
  ["what is no port is told", "http:a.test", '"a.test" in the address is not a port a.test'],
  ["brackets in a query are not IPv6's", "/?a[]=1", `${OWN}?a%5B%5D=1&${QUERY} /`],
  ["a value may have =", "/?a=b==", `${OWN}?a=b%3D%3D&${QUERY} /`],
  ["a name without a value has none", "/?a", `${OWN}?a=&${QUERY} /`],
  ["nothing between two & is no pair", "/?a=1&&b=2&", `${OWN}?a=1&b=2&${QUERY} /`],
  ["a % may mean itself", "/?a=100%", `${OWN}?a=100%25&${QUERY} /`],
  ["half a character can't be sent", "/?\ud800", "URI malformed /"],
  ["what is no URL is told at once", "http://a b", "Invalid URL /"],
  ["what is no URL is told at once", "http://a.test:99999", "Invalid URL /"],
  ["what is no URL is told at once", " http://a.test", "Invalid URL //a.test"],
  ["a long address is one", `/n?a=${"x".repeat(9_000)}`, `${OWN}?a=${"x".repeat(9_000)}&${QUERY} /n`],
];

for (const [rule, form, expected] of DIFFERENT) {
  test(`unlike socket.io's client: ${rule}: ${form.slice(0, 30)}`, async () => {
    const page = PAGES["http, with a port"];
    assert.equal(await lead("our client", page, form), expected);
    assert.notEqual(await lead("socket.io-client", page, form), expected);
  });
}

// Pages without an address of their own: socket.io's client throws nothing there, and connects to
// nothing. Ours connects where it is told a host, or knows the page that has made this one.
const none = "an address with a host is needed: this page has none itself /";
const NOWHERE = {
  "file:": { location: new URL("file:///home/a/index.html"), origin: "null" },
  "about:blank": { location: new URL("about:blank"), origin: "null" },
  "data:": { location: new URL("data:text/html,x"), origin: "null" },
  "a page of an app": { location: new URL("capacitor://localhost/"), origin: "capacitor://localhost" },
  "an extension": { location: new URL("chrome-extension://abc/p.html"), origin: "chrome-extension://abc" },
  "node, deno, a worklet": { location: undefined, origin: undefined },
};
const MADE = {
  "about:blank of a page": { location: new URL("about:blank"), origin: "https://page.test:8443" },
  "about:srcdoc": { location: new URL("about:srcdoc"), origin: "https://page.test:8443" },
  "blob: of a page": { location: new URL("blob:https://page.test:8443/1"), origin: "https://page.test:8443" },
};

for (const [kind, page] of Object.entries(NOWHERE)) {
  test(`a page that has no host: ${kind}`, async () => {
    for (const form of [...FORMS, null]) {
      assert.doesNotMatch(await lead("socket.io-client", page, form), /^throws/, `${form}`);
      assert.doesNotMatch(await lead("our client", page, form), /^throws/, `${form}`);
    }
    const leads = (...args) => lead("our client", page, ...args);
    for (const args of [[], [""], ["/"], [{}], [null], [undefined, {}]]) {
      assert.equal(await leads(...args), none);
    }
    assert.equal(await leads(":3000"), none);
    assert.equal(await leads("http://:3000"), none);
    assert.equal(await leads("a.test:3000"), `ws://a.test:3000/socket.io/?${QUERY} /`);
    assert.equal(await leads("//a.test/n"), `ws://a.test/socket.io/?${QUERY} /n`);
    assert.equal(await leads("https://a.test/n"), `wss://a.test/socket.io/?${QUERY} /n`);
  });
}

for (const [kind, page] of Object.entries(MADE)) {
  test(`a page that has its host from another: ${kind}`, async () => {
    const leads = (...args) => lead("our client", page, ...args);
    assert.equal(await leads(), `wss://page.test:8443/socket.io/?${QUERY} /`);
    assert.equal(await leads(":1"), `wss://page.test:1/socket.io/?${QUERY} /`);
    assert.equal(await leads("/n"), `wss://page.test:8443/socket.io/?${QUERY} /n`);
    assert.equal(await leads("a.test"), `wss://a.test/socket.io/?${QUERY} /`);
  });
}

test("a page with a policy against its origin has its address all the same", async () => {
  const page = { location: new URL("https://page.test/"), origin: "null" }; // a sandboxed frame
  assert.equal(await lead("our client", page), `wss://page.test/socket.io/?${QUERY} /`);
});

test("options may come first, alone, or after null", async () => {
  const page = PAGES["http, with a port"];
  const options = { path: "/x", transports: ["websocket"] };
  for (const args of [[options], [undefined, options], ["", options]]) {
    const [ours, theirs] = [await lead("our client", page, ...args), await lead("socket.io-client", page, ...args)];
    assert.equal(ours, `ws://page.test:3000/x/?${QUERY} /`);
    assert.equal(ours, theirs);
  }
  // socket.io's client forgets these options.
  assert.equal(await lead("our client", page, null, options), `ws://page.test:3000/x/?${QUERY} /`);
});

test("what is no text is a mistake in the program, and thrown", () => {
  for (const client of ["our client", "socket.io-client"]) {
    const { io } = new World(client, PAGES["http, with a port"]);
    for (const address of [3000, true, Symbol("a"), () => {}, 1n]) {
      assert.throws(() => io(address), /./, `${client}: ${String(address)}`);
    }
  }
});

test("addresses of one server share a connection, and others do not", async () => {
  const pairs = [
    ["/a", "/b", true],
    [undefined, "http://page.test:3000/b", true],
    ["http://a.test/a", "http://a.test:80/b", true],
    ["http://a.test/a", "ws://a.test/b", false],
    ["http://a.test/a", "https://a.test/b", false],
    ["http://a.test:443/a", "https://a.test/b", false],
    ["a.test/a", "a.test:81/b", false],
    ["/a?x=1", "/b?y=2", true],
    ["/a", "/a", false],
  ];
  for (const client of ["our client", "socket.io-client"]) {
    for (const [one, other, isShared] of pairs) {
      const { io } = new World(client, PAGES["http, with a port"]);
      const sockets = [io(one), io(other)];
      const isSame = sockets[0].io === sockets[1].io;
      // "http:" and "ws:" are one server, and socket.io's client does not see it.
      const isOfUse = one !== "http://a.test/a" || !other.startsWith("ws:") || client !== "our client";
      if (isOfUse) assert.equal(isSame, isShared, `${client}: ${one} and ${other}`);
      else assert.equal(isSame, true);
    }
  }
});

test("the options of a request, as socket.io's client sends them", async () => {
  const page = PAGES["http, with a port"];
  for (const options of [
    { path: "/x/y" },
    { path: "/x/y/" },
    { path: "" },
    { path: "/" },
    { path: "/x", addTrailingSlash: false },
    { path: "/x/", addTrailingSlash: false },
    { query: { a: 1, b: null, c: undefined, d: "&", e: [1, 2], EIO: 3, transport: "x" } },
    { query: { "a b": "c+d'(é)!*~" } },
    { query: "a=1&b=%20" },
    { hostname: "other.test", port: 1, secure: true },
  ]) {
    for (const address of ["/n", "http://a.test/n?q=1"]) {
      const both = ["our client", "socket.io-client"].map((client) =>
        lead(client, page, address, { ...options, transports: ["websocket"] }),
      );
      const [ours, theirs] = await Promise.all(both);
      assert.equal(ours, theirs, JSON.stringify(options));
    }
  }
  const ours = await lead("our client", page, { path: "x/y" });
  assert.equal(ours, `ws://page.test:3000/x/y/?${QUERY} /`, "socket.io's client loses the slash");
});

test("a manager can be made from options alone", async () => {
  for (const [options, url] of [
    [{ hostname: "a.test" }, "ws://a.test/socket.io/"],
    [{ hostname: "a.test", port: 81 }, "ws://a.test:81/socket.io/"],
    [{ host: "a.test", secure: true }, "wss://a.test/socket.io/"],
    [{ secure: true, hostname: "a.test", port: "444" }, "wss://a.test:444/socket.io/"],
    [{}, "ws://page.test:3000/socket.io/"],
  ]) {
    for (const client of ["our client", "socket.io-client"]) {
      const world = new World(client, PAGES["http, with a port"]);
      new world.io.Manager({ ...options, transports: ["websocket"] });
      assert.equal(world.last.url, `${url}?${QUERY}`, client);
    }
  }
});

test("a runtime without WebSocket is told what to do", async () => {
  for (const WebSocket of [undefined, null, {}]) {
    const world = new World("our client", { WebSocket });
    const socket = world.io("http://a.test");
    const errors = [];
    socket.on("connect_error", (error) => errors.push(error));
    await world.tick(0);
    assert.match(errors[0].message, /no WebSocket here.*version 22.*option "WebSocket"/);
    assert.equal(socket.active, true);
    const other = world.io("http://b.test", { WebSocket: world.WebSocket });
    assert.equal(world.last.url, `ws://b.test/socket.io/?${QUERY}`);
    world.last.accept();
    world.last.receive('40{"sid":"s"}');
    assert.equal(other.connected, true);
  }
});

test("headers and subprotocols go to a WebSocket that takes them", () => {
  const world = new World("our client");
  world.io("http://a.test");
  assert.deepEqual([world.last.protocols.length, world.last.options], [0, undefined]);
  world.io("http://b.test", { protocols: "x", extraHeaders: { Cookie: "a" } });
  assert.equal(world.last.protocols, "x");
  assert.equal(JSON.stringify(world.last.options), '{"headers":{"Cookie":"a"}}');
});

test("an address that leads nowhere is tried again, as options may be mended", async () => {
  const world = new World("our client", { location: new URL("file:///x") });
  const socket = world.io({ reconnectionDelay: 10, randomizationFactor: 0 });
  await world.tick(0);
  socket.io.uri = "http://a.test";
  await world.tick(10);
  assert.equal(world.last.url, `ws://a.test/socket.io/?${QUERY}`);
});
