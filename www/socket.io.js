/**
 * io(): a client of Socket.IO servers for pages that were written for one.
 *
 *     <script src="/socket.io/socket.io.js"></script>
 *     <script>
 *       const socket = io();
 *       socket.on("login", (names) => console.log("here:", names));
 *       socket.emit("login", "Ada");
 *     </script>
 *
 * Written from the descriptions of the protocols (Socket.IO 5 over Engine.IO 4). The API is that of
 * socket.io's own client, and docs/socketio.md lists where this one differs. This is a script for
 * pages, AMD and CommonJS; the server adds the exports of a module and serves that as
 * /socket.io/socket.io.esm.min.js.
 *
 * Unless `transports` says otherwise it begins with a WebSocket, and goes on to long-polling where
 * none gets through; socket.io's own client begins with long-polling and then moves. A WebSocket is
 * one connection and one request, and nearly every page gets it; the other order is four requests,
 * two connections and a move for each page, for the sake of a few. Where a WebSocket is refused, or
 * not answered in 5 s, the same attempt goes on with long-polling. The tab remembers that for the
 * server: the next connection begins with long-polling, and moves as soon as a WebSocket gets
 * through.
 *
 * io(url?, options?), io.connect(url?, options?)
 *     A socket, connecting. `url` is "http://host:port", "host:port", ":port", "/namespace" or all
 *     of it, with a query too; what is missing is the page's own. Sockets of different namespaces
 *     share one connection. An address that leads nowhere is a "connect_error". `options`, which
 *     may come first:
 *         path "/socket.io", addTrailingSlash, query, timestampRequests, timestampParam,
 *         auth (an object, or a function that is given a callback for it), extraHeaders, protocols,
 *         transports (of "websocket" and "polling", the first of which is tried), tryAllTransports,
 *         upgrade, rememberUpgrade, transportOptions, withCredentials, requestTimeout (ms),
 *         autoConnect, forceNew, multiplex, timeout (ms, to connect; false for no limit),
 *         reconnection, reconnectionAttempts, reconnectionDelay, reconnectionDelayMax (ms),
 *         randomizationFactor, ackTimeout (ms), retries, parser,
 *         WebSocket (a class to use in place of the global one: Node before 22 has none)
 *
 * socket.on(event, f), once(event, f), off(event?, f?), listeners(event), hasListeners(event)
 *     The server's events, and three of the socket itself:
 *         "connect"                      each time that it is connected
 *         "disconnect" reason, details   "io server disconnect", "io client disconnect",
 *                                        "ping timeout", "transport close", "transport error" or
 *                                        "parse error"; after the first two it stays so
 *         "connect_error" error          an attempt failed; if `active` is false, it was the last
 * socket.onAny(f), prependAny(f), offAny(f?), listenersAny()
 *                                        All of the server's events: f(event, ...arguments).
 * socket.onAnyOutgoing(f), …             The same of the events that are sent.
 * socket.emit(event, ...arguments)       Kept until connected. Any argument may hold binary data. A
 *                                        function at the end is called with the server's answer.
 * socket.send(...arguments)              emit("message", ...arguments)
 * socket.timeout(ms).emit(…)             The function gets an error first: null, or why not.
 * socket.emitWithAck(event, …)           The server's answer as a promise.
 * socket.volatile.emit(…)                Forgotten unless connected now.
 * socket.connect(), disconnect()         Also as open() and close().
 * socket.id, connected, disconnected, active, recovered, auth, nsp, io, sendBuffer, receiveBuffer
 *
 * socket.io: the connection, an io.Manager, with open(f?), socket(namespace, options?), engine,
 *     opts, and the options as functions that tell or set. Its events, of which its sockets tell
 *     the first five too, as they did up to 2.x:
 *     "reconnect_attempt" n, "reconnecting" n, "reconnect" n, "reconnect_error" error,
 *     "reconnect_failed"; "open", "close" reason, "error" error, "ping", "packet" packet
 * socket.io.engine: what carries it, with id, transport.name, readyState, close() and events of its
 *     own: "open", "close" reason, "error" error, "packet", "data", "ping", "drain", "upgrading",
 *     "upgrade" transport, "upgradeError" error, …
 */
(() => {
  "use strict";

  // ---- io(): from an address to a socket -------------------------------------------------------

  const managers = new Map(); // those that are shared, by what they connect to

  function io(address, options) {
    if (typeof address === "object") [address, options] = [undefined, address ?? options];
    if (address !== undefined && typeof address !== "string") {
      throw new TypeError(`io() takes an address as text, not ${String(address)}`);
    }
    options ??= {};
    const { secure, hostname, port, namespace } = locate(address);
    const key = [secure, hostname, port, options.path || PATH].join(" ");
    const shared = managers.get(key);
    // Whoever asks for the same namespace twice wants two sockets.
    const isTaken = shared && namespace in shared.nsps;
    const isAlone = options.forceNew || options["force new connection"];
    if (isTaken || isAlone || options.multiplex === false) {
      return new Manager(address, options).socket(namespace, options);
    }
    if (!shared) managers.set(key, new Manager(address, options));
    return managers.get(key).socket(namespace, options);
  }

  const PATH = "/socket.io";

  // [scheme://][user@][host][:port][/namespace][?query], all of it optional: "a:3000" is a host,
  // "/a" is not, and "//a" is one again. An IPv6 address without a port needs no brackets.
  const ADDRESS = new RegExp(
    String.raw`^(?:(https?|wss?)://|//)?(?:[^/?#@]*@)?` +
      String.raw`(\[[^\]/?#]*\]|(?:[a-f\d]{0,4}:){2,7}[a-f\d]{0,4}|[^:/?#]*)(?::(\d*))?` +
      String.raw`([^?#]*)(?:\?([^#]*))?`,
    "i",
  );

  // Throws nothing: what is wrong with an address is found, and told, when it is connected to.
  function locate(address = "") {
    const [, scheme, host, port, path, query] = ADDRESS.exec(address);
    const home = homeOfPage();
    const secure = /^(https|wss)$/i.test(scheme ?? home?.protocol);
    return {
      secure,
      hostname: host.includes(":") && host[0] !== "[" ? `[${host}]` : host || home?.hostname,
      port: port || (!host && home?.port) || (secure ? "443" : "80"),
      namespace: path || "/",
      query,
    };
  }

  // Where the page is from. What has no address of its own ("about:blank", "blob:") has the origin
  // of the page that made it; a file and a page of an app have no host at all.
  function homeOfPage() {
    for (const at of [globalThis.location, asUrl(globalThis.origin)]) {
      if (!/^https?:$/.test(at?.protocol)) continue;
      return { protocol: at.protocol.slice(0, -1), hostname: at.hostname, port: at.port };
    }
    return null;
  }

  function asUrl(text) {
    try {
      return new URL(text);
    } catch {
      return null;
    }
  }

  // A query as an object: "a=1&b=2", or such an object.
  function queryOf(given) {
    if (typeof given !== "string") return given;
    const pairs = given.split("&").filter((pair) => pair !== "");
    return Object.fromEntries(
      pairs.map((pair) => {
        const [name, ...value] = pair.split("=");
        return [unescaped(name), unescaped(value.join("="))];
      }),
    );
  }

  function unescaped(text) {
    try {
      return decodeURIComponent(text);
    } catch {
      return text; // a "%" that means itself
    }
  }

  // ---- Events ----------------------------------------------------------------------------------

  class Emitter {
    #listeners = new Map();

    on(event, f) {
      const key = `${event}`; // the wire has numbers too, and on("7") is to hear 7
      if (!this.#listeners.has(key)) this.#listeners.set(key, []);
      this.#listeners.get(key).push(f);
      return this;
    }

    once(event, f) {
      const first = (...details) => {
        this.off(event, first);
        f.apply(this, details);
      };
      first.fn = f;
      return this.on(event, first);
    }

    // By the number of arguments: off("a", undefined) is a mistake that must not end all of "a".
    off(...which) {
      if (which.length === 0) this.#listeners.clear();
      const [event, ...f] = which;
      const list = this.listeners(event);
      remove(list, ...f);
      if (list.length === 0) this.#listeners.delete(`${event}`);
      return this;
    }

    listeners(event) {
      return this.#listeners.get(`${event}`) ?? [];
    }

    hasListeners(event) {
      return this.listeners(event).length > 0;
    }

    // An event reaches all that listened when it came, up to one that throws.
    emit(event, ...details) {
      for (const f of [...this.listeners(event)]) f.apply(this, details);
      return this;
    }
  }

  // Takes one listener from a list, or all where it is not said which.
  function remove(list, ...which) {
    if (which.length === 0) list.length = 0;
    const [f] = which;
    const index = list.findIndex((other) => other === f || (f && other.fn === f));
    if (index >= 0) list.splice(index, 1);
  }

  // What a listener throws is for the page to see, and must not keep others from being told.
  function attempt(act) {
    try {
      act();
    } catch (error) {
      queueMicrotask(() => {
        throw error;
      });
    }
  }

  // ---- Packets ---------------------------------------------------------------------------------
  // A packet of Socket.IO is a text, and the attachments that follow it, each a message of its own:
  //
  //     type [attachments "-"] ["/" namespace ","] [id] [JSON]
  //
  // {"_placeholder":true,"num":n} in its JSON stands for the attachment n.

  const [CONNECT, DISCONNECT, EVENT, ACK, CONNECT_ERROR, BINARY_EVENT] = [0, 1, 2, 3, 4, 5];
  const HEAD = /^(?:([0-4])|([56])0*([1-9]\d*)-)(?:(\/[^,]*)(?:,|$))?(\d+)?/;
  const ATTACHMENTS_MAX = 10;

  // What a socket tells of itself, here or elsewhere: no event on the wire has such a name.
  const RESERVED = new Set(
    "connect connect_error disconnect disconnecting newListener removeListener".split(" "),
  );

  class Encoder {
    encode({ type, nsp = "/", id = "", data }) {
      const attachments = [];
      const replace = function (key, value) {
        const given = isBinary(this[key]) ? this[key] : value; // toJSON() has made value of it
        if (!isBinary(given)) return value;
        return { _placeholder: true, num: attachments.push(given) - 1 };
      };
      const isEvent = type === EVENT || type === ACK;
      const json = data == null ? "" : JSON.stringify(data, isEvent ? replace : null);
      const head = attachments.length > 0 ? `${type + 3}${attachments.length}-` : type;
      return [`${head}${nsp === "/" ? "" : `${nsp},`}${id}${json}`, ...attachments];
    }
  }

  function isBinary(value) {
    if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) return true;
    return typeof Blob === "function" && value instanceof Blob;
  }

  class Decoder extends Emitter {
    #messages = []; // of a packet, until all its attachments are here

    // Throws at what can be no packet.
    add(message) {
      const isFirst = this.#messages.length === 0;
      if (isFirst !== (typeof message === "string")) throw new Error("not what had to follow");
      this.#messages.push(message);
      const packet = decode(this.#messages);
      if (!packet) return;
      this.#messages = [];
      this.emit("decoded", packet);
    }

    destroy() {
      this.#messages = [];
    }
  }

  // The packet of such messages; null if attachments are missing.
  function decode([text, ...attachments]) {
    const [head, plain, binary, count = 0, nsp = "/", id] = HEAD.exec(text) ?? [];
    if (head === undefined) throw new Error("a packet of no type");
    if (count > ATTACHMENTS_MAX) throw new Error("too many attachments");
    const isWhole = attachments.length >= count;
    const restore = (key, value) => {
      if (value?._placeholder !== true) return value;
      if (!(Number.isInteger(value.num) && value.num in attachments)) {
        throw new Error("a placeholder of no attachment");
      }
      return attachments[value.num];
    };
    const type = Number(plain ?? binary - BINARY_EVENT + EVENT);
    const json = text.slice(head.length) || undefined;
    const data = json && JSON.parse(json, binary && isWhole ? restore : undefined);
    if (!isOfType(type, data)) throw new Error("data of another type");
    return isWhole ? { type, nsp, id: id && Number(id), data } : null;
  }

  function isOfType(type, data) {
    const isObject = Object.prototype.toString.call(data) === "[object Object]";
    if (type === CONNECT) return data === undefined || isObject;
    if (type === DISCONNECT) return data === undefined;
    if (type === CONNECT_ERROR) return typeof data === "string" || isObject;
    if (type === ACK || !Array.isArray(data)) return Array.isArray(data);
    const [event] = data;
    return typeof event === "number" || (typeof event === "string" && !RESERVED.has(event));
  }

  // ---- What carries packets --------------------------------------------------------------------
  // Packets of Engine.IO: a digit and its content, or the bytes of an attachment.

  const TYPES = ["open", "close", "ping", "pong", "message", "upgrade", "noop"];

  class TransportError extends Error {
    type = "TransportError";

    constructor(reason, description, context) {
      super(reason);
      this.description = description;
      this.context = context;
    }
  }

  class Transport extends Emitter {
    readyState = "closed"; // or "opening", "open", "paused"

    constructor({ query, ...opts }) {
      super();
      this.query = query;
      this.opts = opts;
    }

    // How many of these packets can be sent at once.
    _fitting(packets) {
      return packets.length;
    }

    // Stops, and says so when nothing is under way any more.
    pause(done) {}

    // Tells the server that the page is gone, where the browser does not.
    _part() {}

    // `scheme` is that without TLS.
    _url(scheme, isStamped) {
      const { secure, hostname, port, namespace, path, addTrailingSlash, ...opts } = this.opts;
      if (!hostname) throw new Error("an address with a host is needed: this page has none itself");
      if (namespace[0] !== "/") throw new Error(`"${namespace}" in the address is not a port`);
      const query = { ...this.query };
      if (opts.timestampRequests ?? isStamped) query[opts.timestampParam ?? "t"] = stamp();
      const pairs = Object.entries(query).map((pair) => pair.map(encodeURIComponent).join("="));
      const folder = `/${path || PATH}`.replace(/^\/\//, "/").replace(/\/$/, "");
      return [
        `${scheme}${secure ? "s" : ""}://${hostname}`,
        Number(port) === (secure ? 443 : 80) ? "" : `:${port}`,
        `${folder}${addTrailingSlash === false ? "" : "/"}?${pairs.join("&")}`,
      ].join("");
    }
  }

  function stamp() {
    return Date.now().toString(36) + Math.random().toString(36).slice(2, 5);
  }

  function unpacked(message) {
    if (typeof message !== "string") return { type: "message", data: message };
    return { type: TYPES[message[0]] ?? "error", data: message.slice(1) };
  }

  // ---- The WebSocket ---------------------------------------------------------------------------
  // Each of its messages is a packet.

  class Channel extends Transport {
    ws = null;

    get name() {
      return "websocket";
    }

    // In the moment before it is told that it is closed, a WebSocket drops what it is given.
    get writable() {
      return this.readyState === "open" && !(this.ws.readyState > 1);
    }
    get _isThere() {
      return this.writable;
    }

    open() {
      this.readyState = "opening";
      try {
        this.#connect();
      } catch (error) {
        // Whoever has asked for it is not listening yet.
        setTimeout(() => this.#fail(error.message, error), 0);
      }
      return this;
    }

    close() {
      if (this.readyState === "closed") return this;
      this.readyState = "closed";
      this.ws?.close();
      this.emit("close");
      return this;
    }

    send(packets) {
      for (const { type, data = "" } of packets) {
        this.ws.send(isBinary(data) ? data : `${TYPES.indexOf(type)}${data}`);
      }
      queueMicrotask(() => this.emit("drain"));
    }

    #connect() {
      const { extraHeaders, protocols } = this.opts;
      const WebSocket = classOfWebSocket(this.opts);
      if (typeof WebSocket !== "function") {
        throw new Error(
          "there is no WebSocket here (Node has one since version 22): " +
            'give a class as the option "WebSocket", as in io(url, { WebSocket: require("ws") })',
        );
      }
      // Browsers take no headers for a WebSocket, and no third argument; other runtimes do.
      const more = extraHeaders ? [{ headers: extraHeaders }] : [];
      const ws = (this.ws = new WebSocket(this._url("ws", false), protocols ?? [], ...more));
      ws.binaryType = "arraybuffer";
      // What was closed here may still have events to deliver: they are for nobody.
      const wanted = (f) => (event) => this.readyState !== "closed" && f(event);
      ws.onopen = wanted(() => this.#isOpen());
      ws.onmessage = wanted(({ data }) => {
        this.#isOpen();
        this.emit("packet", unpacked(data));
      });
      ws.onerror = wanted((event) => this.#fail("websocket error", event));
      ws.onclose = wanted((context) => {
        this.readyState = "closed";
        this.emit("close", { description: "websocket connection closed", context });
      });
    }

    #isOpen() {
      if (this.readyState === "open") return;
      this.readyState = "open";
      this.emit("open");
    }

    #fail(reason, description) {
      if (this.readyState === "closed") return;
      this.emit("error", new TransportError(reason, description));
    }
  }

  function classOfWebSocket(options) {
    return options.WebSocket ?? globalThis.WebSocket;
  }

  // ---- Long-polling ----------------------------------------------------------------------------
  // A request waits at the server until there is something to say, and then the next one does. At
  // most one more has what is said here. Both have packets with a separator between them, and
  // attachments in base64.

  const SEPARATOR = "\x1e";
  const KEEPALIVE_MAX = 60_000; // bytes; browsers let a page that is left send about 64 KiB
  const LEAVING_MAX = 5_000; // ms
  const PARTING = "1"; // by itself, as servers do it before what is with it

  class Polling extends Transport {
    _payloadMax = Infinity; // bytes, as the server has it
    #requests = new Map(); // those under way: what each is for → how to abort it
    #isAsking = false; // until what has come is also read
    #saying = null; // a promise that what is being sent is sent, or has failed
    #paused = null; // to be told that it is

    get name() {
      return "polling";
    }

    get writable() {
      return this._isThere && !this.#saying;
    }
    // What can't be sent now is sent with all else that came meanwhile.
    get _isThere() {
      return this.readyState === "open";
    }

    open() {
      this.readyState = "opening";
      try {
        this._url("http");
        this.#ask();
      } catch (error) {
        setTimeout(() => this.#fail(error.message, error), 0);
      }
      return this;
    }

    // `rest` is still to be said. Without it the connection is lost, and there is no time for that.
    // The server is told, as it takes a request that is aborted for a loss.
    close(rest) {
      if (this.readyState === "closed") return this;
      const wasOpen = this.readyState !== "opening";
      this.readyState = "closed";
      if (wasOpen) this.#leave(rest);
      else this.#abort();
      this.emit("close");
      return this;
    }

    send(packets) {
      this.#saying = this.#say(packets);
    }

    pause(done) {
      this.#paused = done;
      this.#rest();
    }

    _resume() {
      this.#paused = null;
      if (this.readyState === "paused") this.readyState = "open";
      if (this._isThere) this.#ask();
    }

    _fitting(packets) {
      let [count, bytes] = [0, -1];
      for (const { data = "" } of packets) {
        bytes += 2 + bytesOf(data);
        if (count > 0 && bytes > this._payloadMax) break;
        count++;
      }
      return count;
    }

    async #ask() {
      if (this.#isAsking) return;
      this.#isAsking = true;
      while (!this.#paused && this.readyState !== "closed") {
        try {
          this.#read(await this.#request("poll"));
        } catch (error) {
          this.#fail("xhr poll error", error);
        }
      }
      this.#isAsking = false;
      this.#rest();
    }

    #read(payload) {
      for (const message of payload.split(SEPARATOR)) {
        if (this.readyState === "closed") return;
        const packet = unpacked(message[0] === "b" ? bytesIn(message.slice(1)) : message);
        if (this.readyState === "opening" && packet.type === "open") {
          this.readyState = "open";
          this.emit("open");
        }
        if (packet.type === "close") {
          this.readyState = "closed";
          this.#abort();
          this.emit("close", { description: "transport closed by the server" });
        } else {
          attempt(() => this.emit("packet", packet));
        }
      }
    }

    async #say(packets) {
      try {
        await this.#post(packets);
      } catch (error) {
        this.#fail("xhr post error", error);
      }
      this.#saying = null;
      if (this._isThere) this.emit("drain");
      this.#rest();
    }

    #rest() {
      if (!this.#paused || this.#saying || this.#isAsking || !this._isThere) return;
      this.readyState = "paused";
      this.#paused();
    }

    // What is last is sent even if the page is gone meanwhile.
    async #post(packets, isLast = false) {
      const payload = await payloadOf(packets);
      await this.#request("post", payload, isLast && payload.length < KEEPALIVE_MAX);
    }

    // The page is about to be gone. The browser ends what is under way, and the server would take
    // that for a lost network, and have its name for longer.
    _part() {
      if (this._isThere) this.#request("post", PARTING, true).catch(() => {});
    }

    async #leave(rest) {
      const timer = setTimeout(() => this.#abort(), LEAVING_MAX);
      try {
        if (!rest) this.#abort("post");
        await this.#saying;
        while (rest?.length > 0) await this.#post(rest.splice(0, this._fitting(rest)), true);
        await this.#request("post", PARTING, true);
      } catch {
        // The server finds out.
      }
      clearTimeout(timer);
      this.#abort();
    }

    // Resolves to what the server says. The messages of errors are those of the official client,
    // which has XMLHttpRequest: pages may know them.
    async #request(purpose, body, keepalive = false) {
      const { extraHeaders, withCredentials, requestTimeout } = this.opts;
      const aborter = new AbortController();
      const timer = requestTimeout && setTimeout(() => aborter.abort(), requestTimeout);
      this.#requests.set(purpose, aborter);
      try {
        const response = await fetch(this._url("http", true), {
          method: body === undefined ? "GET" : "POST",
          body, // as text/plain, which a page may send to another origin without asking
          headers: extraHeaders ?? {},
          credentials: withCredentials ? "include" : "same-origin",
          cache: "no-store",
          signal: aborter.signal,
          keepalive,
        });
        const text = await response.text();
        if (!response.ok) throw new TransportError(text, response.status, response);
        return text;
      } finally {
        clearTimeout(timer);
        if (this.#requests.get(purpose) === aborter) this.#requests.delete(purpose);
      }
    }

    #abort(...which) {
      for (const [purpose, aborter] of [...this.#requests]) {
        if (which.length === 0 || which.includes(purpose)) aborter.abort();
      }
    }

    #fail(reason, error) {
      if (this.readyState === "closed") return;
      this.readyState = "closed"; // there is nobody to take leave of
      this.#abort();
      const { description = error, context } = error;
      this.emit("error", new TransportError(reason, description, context));
    }
  }

  async function payloadOf(packets) {
    const messages = packets.map(async ({ type, data = "" }) =>
      isBinary(data) ? `b${await base64Of(data)}` : `${TYPES.indexOf(type)}${data}`,
    );
    return (await Promise.all(messages)).join(SEPARATOR);
  }

  async function base64Of(data) {
    const { buffer = data, byteOffset, byteLength } = data.arrayBuffer
      ? { buffer: await data.arrayBuffer() }
      : data;
    const bytes = new Uint8Array(buffer, byteOffset, byteLength);
    return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
  }

  // The bytes of base64. What is no base64 is no packet.
  function bytesIn(text) {
    try {
      return Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0)).buffer;
    } catch {
      return "";
    }
  }

  // How long data are in a payload.
  function bytesOf(data) {
    if (!isBinary(data)) return new TextEncoder().encode(data).length;
    return Math.ceil((data.byteLength ?? data.size) / 3) * 4;
  }

  // ---- The connection, by Engine.IO ------------------------------------------------------------

  // What these classes know of each other, under names that no page can meet.
  const [line, write, opened, received, lost] = "line write opened received lost"
    .split(" ")
    .map(Symbol);
  const [end, leave, pause, wake] = "end leave pause wake".split(" ").map(Symbol);

  const PROTOCOL = 4;
  const TIMER_MAX = 2 ** 31 - 1; // ms; longer ones fire at once
  const ANSWER_MAX = 5_000; // ms; after that the next transport is tried
  const PROBE_MAX = 10_000; // ms, for a WebSocket to which a connection may move

  class Engine extends Emitter {
    static protocol = PROTOCOL;
    static priorWebsocketSuccess = false;

    id = null; // the server's name for the connection, while it is open
    readyState = "opening"; // or "open", "closed"
    upgrading = false; // whether it is about to move to a WebSocket, and sends nothing
    writeBuffer = []; // packets, until they can be sent
    transport;
    #transports; // names of those that it may be by
    #isPersistent; // whether all of them are tried, or the first alone
    #failed = []; // of which these were, in vain
    #candidate = null; // the WebSocket to which it may move
    #query;
    #binaryType = "arraybuffer";
    #patience; // a timer for a transport that does not open
    #timer;
    #silence; // ms; the longest that the server is silent
    // When it has been silent for too long, by the clock on the wall: where the machine or the page
    // sleeps, a timer sleeps too.
    #expiry = Infinity;

    constructor(uri, opts = {}) {
      super();
      if (uri && typeof uri === "object") [uri, opts] = [undefined, uri];
      const { query, ...at } = locate(uri || addressIn(opts));
      Object.assign(this, { opts, ...at });
      this.#query = { ...queryOf(query || opts.query), EIO: PROTOCOL };
      [this.#transports, this.#isPersistent] = transportsOf(this);
      this.#start();
    }

    get binaryType() {
      return this.#binaryType;
    }
    set binaryType(type) {
      this.#binaryType = type;
      if (this.transport?.ws) this.transport.ws.binaryType = type;
    }

    // Whether the connection can only be dead. If it is, it also ends.
    _hasPingExpired() {
      if (Date.now() <= this.#expiry) return false;
      queueMicrotask(() => this[end]("ping timeout"));
      return true;
    }

    write(data, options, done) {
      if (typeof options === "function") [options, done] = [undefined, options];
      if (done) this.once("flush", done);
      this.#send({ type: "message", data, options: { compress: true, ...options } });
      return this;
    }

    close() {
      this[end]("forced close");
      return this;
    }

    #start() {
      const [name] = this.#left();
      if (!name) {
        const error = new Error("No transports available");
        return void setTimeout(() => this.#fail("transport error", error), 0);
      }
      this.#use(this.#make(name));
      this.transport.open();
      if (this.#left().length === 1) return;
      const { timeout } = this.opts;
      const ms = Math.min(ANSWER_MAX, (timeout || Infinity) / 4);
      const late = () => this.#fail("transport error", new TransportError(`${name} timeout`));
      this.#patience = setTimeout(late, ms);
    }

    #make(name) {
      const { opts, secure, hostname, port, namespace } = this;
      const query = { ...this.#query, transport: name };
      if (this.id) query.sid = this.id;
      const more = { ...opts.transportOptions?.[name], secure, hostname, port, namespace, query };
      return new TRANSPORTS[name]({ ...opts, ...more });
    }

    #use(transport) {
      const current = (f) => (detail) => transport === this.transport && f(detail);
      this.transport = transport;
      this.binaryType = this.#binaryType;
      transport.on("packet", current((packet) => this.#take(packet)));
      transport.on("close", current((details) => this.#fail("transport close", details)));
      transport.on("error", current((error) => this.#fail("transport error", error)));
      transport.on("drain", current(() => {
        this.emit("drain");
        this.#flush();
      }));
    }

    #left() {
      const names = this.#isPersistent ? this.#transports : this.#transports.slice(0, 1);
      return names.filter((name) => !this.#failed.includes(name));
    }

    // The connection has failed, or one way to it.
    #fail(reason, details) {
      const isOpening = this.readyState === "opening";
      if (isOpening && this.transport?.name === "websocket") Engine.priorWebsocketSuccess = false;
      if (isOpening && this.#left().length > 1) {
        clearTimeout(this.#patience);
        const { transport } = this;
        this.#failed.push(transport.name);
        this.#start();
        return transport.close();
      }
      if (reason === "transport error" && this.readyState !== "closed") this.emit("error", details);
      this[end](reason, details);
    }

    #send(packet) {
      if (this.readyState === "closed") return;
      this.emit("packetCreate", packet);
      this.writeBuffer.push(packet);
      // What a page says in one go is one request.
      if (this.transport.name === "polling") queueMicrotask(() => this.#flush());
      else this.#flush();
    }

    #flush() {
      if (this.readyState !== "open" || this.upgrading || !this.transport.writable) return;
      if (this.writeBuffer.length === 0) return;
      this.transport.send(this.writeBuffer.splice(0, this.transport._fitting(this.writeBuffer)));
      this.emit("flush");
    }

    #take(packet) {
      this.emit("packet", packet);
      this.emit("heartbeat");
      if ((packet.type === "open") !== (this.readyState === "opening")) packet.type = "error";
      if (packet.type === "open") this.#open(packet.data);
      else if (packet.type === "close") this[end]("transport close");
      else if (packet.type === "ping") this.#pinged();
      else if (packet.type === "message") {
        this.emit("data", packet.data);
        this.emit("message", packet.data);
      } else if (packet.type !== "noop") {
        this.#fail("parse error", new Error("a packet of no type, or out of order"));
      }
    }

    #open(json) {
      let handshake;
      try {
        handshake = JSON.parse(json);
        this.#silence = handshake.pingInterval + handshake.pingTimeout;
        this.id = handshake.sid;
      } catch (error) {
        return this.#fail("parse error", error);
      }
      clearTimeout(this.#patience);
      this.readyState = "open";
      const { transport } = this;
      if (transport.name === "websocket" || this.#failed.includes("websocket")) this.#remember();
      Object.assign(transport.query, { sid: this.id });
      transport._payloadMax = handshake.maxPayload || Infinity;
      this.#watch();
      this.emit("handshake", handshake);
      this.emit("open");
      this.#flush();
      if (handshake.upgrades?.includes("websocket")) this.#probe();
    }

    // Whether a WebSocket gets through.
    #remember() {
      const isThrough = this.transport.name === "websocket";
      Engine.priorWebsocketSuccess = isThrough;
      noteWebSocket(this, isThrough);
    }

    // Tries a WebSocket while polling goes on.
    #probe() {
      const isWanted = this.opts.upgrade !== false && this.#transports.includes("websocket");
      if (!isWanted || this.readyState !== "open" || !classOfWebSocket(this.opts)) return;
      const candidate = (this.#candidate = this.#make("websocket"));
      const fail = (reason = "timeout") => {
        if (candidate !== this.#candidate) return;
        this.#leaveCandidate();
        if (this.upgrading) {
          this.upgrading = false;
          this.transport._resume();
          this.#flush();
        }
        const error = new TransportError(`probe error: ${reason}`);
        this.emit("upgradeError", Object.assign(error, { transport: "websocket" }));
      };
      candidate.on("open", () => candidate.send([{ type: "ping", data: "probe" }]));
      candidate.on("packet", ({ type, data }) => {
        if (this.#candidate !== candidate) return;
        if (type === "pong" && data === "probe" && !this.upgrading) this.#upgrade(candidate);
        else fail("not the answer to it");
      });
      candidate.on("error", (error) => fail(error.message));
      candidate.on("close", () => fail("transport closed"));
      this.#patience = setTimeout(fail, PROBE_MAX);
      candidate.open();
    }

    // Nothing is on its way by either when it moves, so nothing is lost, doubled or out of order.
    #upgrade(candidate) {
      this.upgrading = true;
      this.emit("upgrading", candidate);
      this.transport.pause(() => {
        if (this.#candidate !== candidate) return;
        this.#candidate = null;
        clearTimeout(this.#patience);
        candidate.off();
        this.#use(candidate);
        this.#remember();
        candidate.send([{ type: "upgrade" }]);
        this.upgrading = false;
        this.emit("upgrade", candidate);
        this.#flush();
      });
    }

    #leaveCandidate() {
      clearTimeout(this.#patience);
      const candidate = this.#candidate;
      this.#candidate = null;
      candidate?.close();
    }

    #pinged() {
      this.#watch();
      this.#send({ type: "pong" });
      this.emit("ping");
      this.emit("pong");
    }

    #watch() {
      clearTimeout(this.#timer);
      this.#expiry = Date.now() + this.#silence;
      this.#timer = setTimeout(() => this[end]("ping timeout"), Math.min(this.#silence, TIMER_MAX));
    }

    [end](reason, details) {
      if (this.readyState === "closed") return;
      this.readyState = "closed";
      this.id = null;
      this.#expiry = Infinity;
      clearTimeout(this.#timer);
      this.#leaveCandidate();
      this.transport?.close(reason === "forced close" ? this.writeBuffer.splice(0) : undefined);
      this.emit("close", reason, details);
    }
  }

  // ---- Which transport -------------------------------------------------------------------------
  // A WebSocket comes first unless a page asks for another order: it is one connection and one
  // request, and socket.io's own client needs it in any case. Where it is refused or not answered,
  // the next transport is tried in the same attempt. From then on long-polling comes first for this
  // server, and moves to a WebSocket as soon as one gets through.

  const TRANSPORTS = { polling: Polling, websocket: Channel };
  const withoutWebSocket = new Set(); // servers to which none got through when it was last tried

  // The names of those that a connection may be by, the first one first; and whether all of them
  // are tried.
  function transportsOf({ opts, ...server }) {
    const given = opts.transports && [opts.transports].flat();
    const names = given?.map((it) => it?.prototype?.name ?? it);
    const asked = names?.filter((name) => Object.hasOwn(TRANSPORTS, name));
    // Names of others are those of what is gone, or is not yet.
    const isOurs = !given || (given.length > 0 && asked.length === 0);
    const order = isOurs ? usual(opts, isWithoutWebSocket(server)) : asked;
    const isSure = opts.rememberUpgrade && Engine.priorWebsocketSuccess;
    if (isSure && order.includes("websocket")) order.unshift("websocket");
    return [[...new Set(order)], opts.tryAllTransports ?? isOurs];
  }

  function usual(options, isReversed) {
    const here = [];
    if (classOfWebSocket(options)) here.push("websocket");
    if (globalThis.fetch) here.push("polling");
    if (here.length === 0) return ["websocket"]; // it says what is missing
    return isReversed ? here.reverse() : here;
  }

  // That is kept for the tab, or each of its pages would wait for a WebSocket that does not come.
  function isWithoutWebSocket({ hostname, port }) {
    const key = `headcount ${hostname}:${port} by long-polling`;
    return withoutWebSocket.has(key) || Boolean(withStorage((storage) => storage.getItem(key)));
  }

  function noteWebSocket({ hostname, port }, isThrough) {
    const key = `headcount ${hostname}:${port} by long-polling`;
    if (isThrough) withoutWebSocket.delete(key);
    else withoutWebSocket.add(key);
    withStorage((storage) => {
      if (isThrough) storage.removeItem(key);
      else storage.setItem(key, "1");
    });
  }

  // What `act` makes of the storage of this tab; undefined where there is no such storage.
  function withStorage(act) {
    try {
      return act(globalThis.sessionStorage);
    } catch {
      return undefined;
    }
  }

  // An address of what options say instead: a manager may be made without one.
  function addressIn({ secure, hostname, host, port }) {
    const scheme = { true: "https:", false: "http:" }[secure] ?? "";
    return `${scheme}//${hostname ?? host ?? ""}${port ? `:${port}` : ""}`;
  }

  // ---- A connection that is made again ---------------------------------------------------------

  class Manager extends Emitter {
    nsps = Object.create(null); // its sockets, by namespace
    engine; // the connection or the attempt at one, or the last there was
    _readyState = "closed"; // or "opening", "open"
    _reconnecting = false; // from a lost connection to the next, or to the end of all attempts
    #timer; // one is enough: to give an attempt up, or to make the next
    #attempts = 0; // to connect again, since the last connection
    #settings;

    constructor(uri, opts) {
      super();
      if (uri && typeof uri === "object") [uri, opts] = [undefined, uri];
      opts ??= {};
      Object.assign(this, { uri, opts, _autoConnect: opts.autoConnect !== false });
      this.#settings = {
        reconnection: opts.reconnection !== false,
        reconnectionAttempts: opts.reconnectionAttempts || Infinity,
        reconnectionDelay: opts.reconnectionDelay || 1_000,
        reconnectionDelayMax: opts.reconnectionDelayMax || 5_000,
        randomizationFactor: opts.randomizationFactor ?? 0.5,
        timeout: opts.timeout ?? 20_000,
      };
      const parser = opts.parser ?? { Encoder, Decoder };
      this.encoder = new parser.Encoder();
      this.decoder = new parser.Decoder();
      this.decoder.on("decoded", (packet) => attempt(() => this.#deliver(packet)));
      if (this._autoConnect) this.open();
    }

    reconnection(...value) {
      return this.#setting("reconnection", value);
    }
    reconnectionAttempts(...value) {
      return this.#setting("reconnectionAttempts", value);
    }
    reconnectionDelay(...value) {
      return this.#setting("reconnectionDelay", value);
    }
    reconnectionDelayMax(...value) {
      return this.#setting("reconnectionDelayMax", value);
    }
    randomizationFactor(...value) {
      return this.#setting("randomizationFactor", value);
    }
    timeout(...value) {
      return this.#setting("timeout", value);
    }

    #setting(name, [value]) {
      if (value === undefined) return this.#settings[name];
      this.#settings[name] = value;
      return this;
    }

    socket(namespace, options) {
      const known = this.nsps[namespace];
      if (known) return this._autoConnect && !known.active ? known.connect() : known;
      const socket = (this.nsps[namespace] = new Socket(this, namespace, options));
      return this._autoConnect ? socket.connect() : socket;
    }

    // `done` is told how it went; an attempt that somebody has asked for so is not made again.
    open(done) {
      if (this._readyState !== "closed") return this;
      clearTimeout(this.#timer);
      this.#open(done);
      return this;
    }

    disconnect() {
      this._close();
    }

    _close() {
      const isOver = this._readyState === "closed" && !this._reconnecting;
      this.#drop();
      this.#rest();
      if (isOver) return;
      for (const socket of this.#active()) socket[lost]("forced close");
      this.emit("close", "forced close");
    }

    // A socket needs the connection no more; with the last one it ends.
    _destroy() {
      if (this.#active().length === 0) this._close();
    }

    _packet(packet) {
      this[write](this.encoder.encode(packet), packet);
    }

    [write](messages, packet) {
      messages.forEach((message, index) => {
        this.engine.write(message, { ...packet.options, _packet: index === 0 ? packet : null });
      });
    }

    // The connection that sockets are on; null while there is none.
    get [line]() {
      return this._readyState === "open" ? this.engine : null;
    }

    #active() {
      return Object.values(this.nsps).filter((socket) => socket.active);
    }

    #open(done) {
      alive.add(this);
      this._readyState = "opening";
      this.decoder.destroy();
      const engine = (this.engine = new Engine(this.uri, this.opts));
      // One that was dropped still tells its end, to pages that listen to it.
      const current = (f) => (...details) => {
        if (engine === this.engine && this._readyState !== "closed") f(...details);
      };
      const fail = current((reason, details) => this.#lose(reason, details, done));
      engine.on("open", current(() => this.#opened(done)));
      engine.on("error", (error) => fail("transport error", error));
      engine.on("close", fail);
      engine.on("ping", current(() => this.emit("ping")));
      engine.on("data", current((data) => this.#add(data)));
      const timeout = this.timeout();
      if (timeout !== false) this.#timer = setTimeout(fail, timeout, "timeout");
    }

    #opened(done) {
      clearTimeout(this.#timer);
      this._readyState = "open";
      const attempts = this.#attempts;
      this.#rest();
      for (const socket of this.#active()) attempt(() => socket[opened]());
      this.emit("open");
      done?.();
      if (attempts > 0) this.#tell("reconnect", attempts);
    }

    #add(data) {
      try {
        this.decoder.add(data);
      } catch (error) {
        this.#lose("parse error", error);
      }
    }

    #deliver(packet) {
      this.emit("packet", packet);
      this.nsps[packet.nsp]?.[received](packet);
    }

    // Leaves the connection, or the attempt at one.
    #drop(...why) {
      clearTimeout(this.#timer);
      this._readyState = "closed";
      if (why.length > 0) this.engine[end](...why);
      else this.engine?.close();
    }

    // Makes no more attempts.
    #rest() {
      this._reconnecting = false;
      this.#attempts = 0;
      if (this._readyState === "closed") alive.delete(this);
    }

    // What happens next is settled before anyone is told, since whoever is told may change it.
    #lose(reason, details, done) {
      const wasOpen = this._readyState === "open";
      const isAgain = this.#attempts > 0;
      this.#drop(reason, details);
      this.#takeBack();
      const isOver = !(done && !wasOpen) && !this.#retry();
      if (done && !wasOpen) this.#rest();
      const isNamed = wasOpen || reason !== "transport close";
      const error =
        details instanceof Error
          ? details
          : new TransportError(isNamed ? reason : "websocket error", details);
      if (!wasOpen || reason === "transport error") attempt(() => this.emit("error", error));
      for (const socket of this.#active()) socket[lost](reason, details, error);
      if (wasOpen) this.emit("close", reason, details);
      else done?.(error);
      if (isAgain) this.#tell("reconnect_error", error);
      if (isAgain && isOver) this.#tell("reconnect_failed");
    }

    // What has not been sent at all is sent on the next connection.
    #takeBack() {
      for (const { options } of this.engine.writeBuffer.splice(0).reverse()) {
        const packet = options?._packet;
        if (packet?.type !== EVENT || packet.options.volatile) continue;
        const socket = this.nsps[packet.nsp];
        if (socket.active) socket.sendBuffer.unshift(packet);
      }
    }

    #retry() {
      if (!this.reconnection() || this.#attempts >= this.reconnectionAttempts()) {
        this.#rest();
        return false;
      }
      this._reconnecting = true;
      const isOfSleep = this.#attempts === 0 && Date.now() - wokenAt < WAKING;
      const again = () => (this.reconnection() ? this.#again() : this.#rest());
      this.#timer = setTimeout(again, isOfSleep ? 0 : this.#delay());
      return true;
    }

    #again() {
      this.#attempts++;
      this.#tell("reconnect_attempt", this.#attempts);
      this.#tell("reconnecting", this.#attempts);
      // Unless whoever was told has disconnected, or connected.
      if (this._reconnecting && this._readyState === "closed") this.#open();
    }

    // Jitter, so that a server which comes back is not met by all its clients in the same instant;
    // within the limit, not cut off there, or they would meet at the limit.
    #delay() {
      const [most, factor] = [this.reconnectionDelayMax(), this.randomizationFactor()];
      const jitter = factor > 0 && factor <= 1 ? factor : 0;
      const middle = Math.min(this.reconnectionDelay() * 2 ** this.#attempts, most);
      const [from, to] = [middle * (1 - jitter), Math.min(middle * (1 + jitter), most)];
      return from + Math.random() * (to - from);
    }

    // Up to 2.x a socket told these too, and that is how older pages learn to log in again.
    #tell(event, detail) {
      for (const emitter of [this, ...this.#active()]) {
        attempt(() => Emitter.prototype.emit.call(emitter, event, detail));
      }
    }

    // The network is gone, or the page: the server is to know it at once.
    [leave](description) {
      this.engine?.[end]("transport close", { description });
    }

    // The same, and no attempts until the page is back; then there is one, as nothing has failed.
    [pause]() {
      this[leave]("the page was put away");
      clearTimeout(this.#timer);
      if (this.#active().length === 0) return;
      this._reconnecting = true;
      alive.add(this);
    }

    // The page is looked at again, or the network is back. A wait was for a server that fails, and
    // it has not; and whether a connection has outlived the sleep is not left to a timer.
    [wake]() {
      if (this._readyState === "open") this.engine._hasPingExpired();
      if (this._readyState !== "closed" || !this._reconnecting) return;
      clearTimeout(this.#timer);
      this.#again();
    }
  }

  // ---- The life of the page --------------------------------------------------------------------
  // Chromium keeps the connections of a page in the back/forward cache and answers pings for it:
  // whoever has left would stay on the list. A page that is gone for good is left to the browser,
  // which closes its connections; with long-polling the server is told.

  const alive = new Set(); // managers that are connected, or are to be
  const LOCAL = /^(localhost|127\.[\d.]+|\[::1\])$/i; // needs no network
  const WAKING = 2_000; // ms; for so long a lost connection is laid to the sleep that is over
  let wokenAt = -Infinity;

  function listen(target, event, act) {
    target?.addEventListener?.(event, (detail) => {
      for (const manager of [...alive]) attempt(() => act(manager, detail));
    });
  }

  function wakeUp(manager) {
    wokenAt = Date.now();
    manager[wake]();
  }

  // At once, as a service worker may listen to these only from its first run on.
  listen(globalThis, "online", wakeUp);
  listen(globalThis, "offline", (manager) => {
    if (!LOCAL.test(manager.engine?.hostname)) manager[leave]("network connection lost");
  });
  listen(globalThis, "pagehide", (manager, { persisted }) => {
    if (persisted) manager[pause]();
    else manager.engine?.transport?._part();
  });
  listen(globalThis, "pageshow", (manager, { persisted }) => persisted && wakeUp(manager));
  listen(globalThis.document, "visibilitychange", (manager) => {
    if (document.visibilityState === "visible") wakeUp(manager);
  });

  // ---- The client ------------------------------------------------------------------------------
  // By an id of 128 random bits, in `auth`, headcount knows a page again after a reload, and shows
  // nothing of it to others. It is this tab's, and that of one connection at a time: further ones of
  // a page have none, nor has any where there is no such storage.

  const clients = new Map(); // key of an id → the manager that has it

  function clientOf(manager) {
    const { secure, hostname, port } = manager.engine;
    const server = `${secure ? "wss" : "ws"}://${hostname}:${port}${manager.opts.path || PATH}`;
    const key = `headcount ${server}`;
    const other = clients.get(key);
    if (other !== manager && alive.has(other)) return {};
    clients.set(key, manager);
    const client = withStorage((storage) => {
      if (!storage.getItem(key)) storage.setItem(key, randomId());
      return storage.getItem(key);
    });
    return client ? { client } : {};
  }

  function randomId() {
    const bytes = globalThis.crypto.getRandomValues(new Uint8Array(16));
    return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  }

  // ---- A namespace of a connection -------------------------------------------------------------

  class Socket extends Emitter {
    id; // the server's name for this socket, while connected
    recovered = false; // whether the server has sent what was missed before this connection
    receiveBuffer = []; // events that came before the server's word that it is connected
    sendBuffer = []; // packets to send when connected
    #active = false; // whether it is to be connected
    #line = null; // the connection that the server has accepted it on
    #acks = new Map(); // what waits for an answer, by id: { packet, settle }
    #ids = 0;
    #incoming = []; // listeners to all events
    #outgoing = [];
    #queue = []; // with `retries`: events that are sent one after the other
    #flags = {}; // for the next emit()
    #opts;
    #pid; // of the state that a server can recover, and how far this socket has it
    #offset;

    constructor(manager, namespace, opts) {
      super();
      Object.assign(this, { io: manager, nsp: namespace, auth: opts?.auth });
      this.#opts = { ...opts };
    }

    // Derived, so that all sockets of a connection lose it in the same instant.
    get connected() {
      return this.#line !== null && this.#line === this.io[line];
    }
    get disconnected() {
      return !this.connected;
    }
    get active() {
      return this.#active;
    }

    connect() {
      if (!this.#active) {
        this.#active = true;
        if (this.io[line]) this[opened]();
      }
      if (!this.io._reconnecting) this.io.open();
      return this;
    }

    disconnect() {
      if (this.connected) this.io._packet({ type: DISCONNECT, nsp: this.nsp });
      this.#end("io client disconnect");
      return this;
    }

    onAny(f) {
      this.#incoming.push(f);
      return this;
    }
    prependAny(f) {
      this.#incoming.unshift(f);
      return this;
    }
    offAny(...which) {
      remove(this.#incoming, ...which);
      return this;
    }
    listenersAny() {
      return this.#incoming;
    }

    onAnyOutgoing(f) {
      this.#outgoing.push(f);
      return this;
    }
    prependAnyOutgoing(f) {
      this.#outgoing.unshift(f);
      return this;
    }
    offAnyOutgoing(...which) {
      remove(this.#outgoing, ...which);
      return this;
    }
    listenersAnyOutgoing() {
      return this.#outgoing;
    }

    compress(compress) {
      this.#flags.compress = compress; // which is the browser's matter
      return this;
    }

    timeout(ms) {
      this.#flags.timeout = ms;
      return this;
    }

    get volatile() {
      this.#flags.volatile = true;
      return this;
    }

    send(...args) {
      return this.emit("message", ...args);
    }

    emitWithAck(event, ...args) {
      return new Promise((resolve, reject) => {
        const done = (error, answer) => (error ? reject(error) : resolve(answer));
        done.withError = true;
        this.emit(event, ...args, done);
      });
    }

    emit(event, ...args) {
      const flags = this.#flags;
      this.#flags = {};
      if (RESERVED.has(event)) throw new Error(`"${event}" is a reserved event name`);
      if (this.#opts.retries && !flags.volatile) return this.#enqueue([event, ...args], flags);
      return this.#emit([event, ...args], flags);
    }

    #emit(data, flags) {
      const done = typeof data.at(-1) === "function" ? data.pop() : null;
      const options = { compress: flags.compress !== false };
      if (flags.volatile) options.volatile = true;
      const packet = { type: EVENT, nsp: this.nsp, data, options };
      if (done) packet.id = this.#ids++;
      const messages = this.io.encoder.encode(packet); // now: what can't be sent is thrown here
      if (done) this.#await(packet, done, flags.timeout ?? this.#opts.ackTimeout);
      if (this.#canSend(flags.volatile)) this.#transmit(packet, messages);
      else if (!flags.volatile) this.sendBuffer.push(packet);
      return this;
    }

    // What is said to a connection that can only be dead waits for the next.
    #canSend(isVolatile) {
      if (!this.connected) return false;
      const { engine } = this.io;
      const { writable, _isThere } = engine.transport;
      return (isVolatile ? writable : _isThere) && !engine._hasPingExpired();
    }

    #transmit(packet, messages) {
      const outgoing = packet.isTold ? [] : [...this.#outgoing];
      packet.isTold = true; // it may have to be sent again
      try {
        for (const f of outgoing) f.apply(this, packet.data);
      } finally {
        this.io[write](messages, packet);
      }
    }

    #await(packet, done, timeout) {
      const isErrorFirst = timeout !== undefined || done.withError;
      let timer;
      const settle = (error, answer = []) => {
        clearTimeout(timer);
        this.#acks.delete(packet.id);
        if (isErrorFirst) done.call(this, error, ...answer);
        else if (!error) done.apply(this, answer);
      };
      this.#acks.set(packet.id, { packet, settle });
      if (timeout === undefined) return;
      timer = setTimeout(() => {
        // Nobody waits for it any more.
        if (this.sendBuffer.includes(packet)) remove(this.sendBuffer, packet);
        settle(new Error("operation has timed out"));
      }, timeout);
    }

    // With `retries` an event is sent again until it is answered, and only then the next.
    #enqueue(args, flags) {
      const done = typeof args.at(-1) === "function" ? args.pop() : null;
      const entry = { args, flags, tries: 0, isPending: false };
      entry.done = (error, ...answer) => {
        entry.isPending = false;
        if (!error || entry.tries > this.#opts.retries) {
          remove(this.#queue, entry);
          attempt(() => done?.(error, ...answer));
        }
        this.#next();
      };
      entry.done.withError = true;
      this.#queue.push(entry);
      this.#next();
      return this;
    }

    #next() {
      const [entry] = this.#queue;
      if (!entry || entry.isPending || !this.connected) return;
      entry.isPending = true;
      entry.tries++;
      this.#emit([...entry.args, entry.done], entry.flags);
    }

    [opened]() {
      const current = this.io[line];
      const ask = (auth) => {
        // A function may take its time: this may be another connection, or none.
        if (!this.active || current !== this.io[line]) return;
        const state = this.#pid ? { pid: this.#pid, offset: this.#offset } : {};
        const more = { ...clientOf(this.io), ...state };
        const data = Object.keys(more).length > 0 ? { ...more, ...auth } : auth;
        this.io._packet({ type: CONNECT, nsp: this.nsp, data });
      };
      if (typeof this.auth === "function") this.auth(ask);
      else ask(this.auth);
    }

    [received]({ type, id, data }) {
      if (type === CONNECT) this.#accepted(data);
      if (type === CONNECT_ERROR) this.#refused(data);
      if (!this.active) return; // what was on its way when this socket left
      if (type === EVENT) this.#take([...data, ...(id === undefined ? [] : [this.#answer(id)])]);
      if (type === ACK) this.#acks.get(id)?.settle(null, data);
      if (type === DISCONNECT) this.#end("io server disconnect");
    }

    #accepted({ sid, pid } = {}) {
      // It left meanwhile.
      if (!this.active) return this.io._packet({ type: DISCONNECT, nsp: this.nsp });
      if (!sid) {
        const error = new Error("the server speaks Socket.IO 2, and this client 3 to 5");
        return super.emit("connect_error", error);
      }
      this.id = sid;
      this.recovered = pid !== undefined && pid === this.#pid;
      this.#pid = pid;
      this.#line = this.io[line];
      for (const args of this.receiveBuffer.splice(0)) attempt(() => this.#tell(args));
      for (const packet of this.sendBuffer.splice(0)) {
        if (!this.connected) this.sendBuffer.push(packet); // no more: a listener has left
        else attempt(() => this.#transmit(packet, this.io.encoder.encode(packet)));
      }
      this.#next();
      if (this.connected) super.emit("connect");
    }

    #refused(reason) {
      this.#active = false;
      this.io._destroy();
      const error = new Error(reason.message ?? reason);
      error.data = reason.data;
      super.emit("connect_error", error);
    }

    #take(args) {
      if (this.connected) this.#tell(args);
      else this.receiveBuffer.push(args);
    }

    #tell(args) {
      for (const f of [...this.#incoming]) f.apply(this, args);
      super.emit(...args);
      if (this.#pid && typeof args.at(-1) === "string") this.#offset = args.at(-1);
    }

    // A function to answer an event with, once and on the connection that it came on.
    #answer(id) {
      let current = this.io[line];
      return (...data) => {
        if (!this.connected || this.#line !== current) return;
        current = null;
        this.io._packet({ type: ACK, nsp: this.nsp, id, data });
      };
    }

    #end(reason) {
      this.#active = false;
      this.io._destroy();
      this[lost](reason);
    }

    // The connection, or an attempt at one, has failed, or this socket has left it.
    [lost](reason, details, error) {
      const wasConnected = this.#line !== null;
      this.#line = null;
      this.id = undefined;
      attempt(() => {
        if (wasConnected) super.emit("disconnect", reason, details);
        else if (this.active && error) super.emit("connect_error", error);
      });
      for (const { packet, settle } of [...this.#acks.values()]) {
        if (this.sendBuffer.includes(packet)) continue; // it is yet to be sent
        attempt(() => settle(new Error("socket has been disconnected")));
      }
    }
  }

  // ---- Further names ---------------------------------------------------------------------------

  function alias({ prototype }, names) {
    for (const [other, name] of Object.entries(names)) prototype[other] = prototype[name];
  }

  alias(Emitter, { addEventListener: "on", removeEventListener: "off" });
  alias(Emitter, { removeListener: "off", removeAllListeners: "off" });
  alias(Socket, { open: "connect", close: "disconnect" });
  alias(Engine, { send: "write" });
  alias(Manager, { connect: "open" });

  // To ask for a transport by its class.
  Object.assign(io, { Fetch: Polling, XHR: Polling, NodeXHR: Polling });
  Object.assign(io, { WebSocket: Channel, NodeWebSocket: Channel, WebTransport: Channel });

  Object.assign(io, { io, connect: io, default: io, Manager, Socket, protocol: 5 });
  if (typeof exports === "object" && typeof module === "object") module.exports = io;
  else if (typeof define === "function" && define.amd) define(() => io);
  else globalThis.io = io;
})();
