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
 * Written from the protocols' descriptions (Socket.IO 5 over Engine.IO 4). The calls are those of
 * socket.io's own client, as far as they are listed here. There is one transport, WebSocket,
 * whatever `transports` asks for; no state recovery, no `retries`, no other parser. Defines `io`
 * and nothing else.
 *
 * io(url?, options?), io.connect(url?, options?)
 *     A socket, connecting. `url` is "http://host:port", "host:port", "/namespace" or all of it,
 *     with a query too; what is missing is the page's own. Sockets of different namespaces share
 *     one connection. `options` may come first:
 *         path "/socket.io/", query, forceNew, multiplex, timeout (ms, to connect), autoConnect,
 *         auth (an object, or a function that is given a callback for it), ackTimeout (ms),
 *         reconnection, reconnectionAttempts, reconnectionDelay, reconnectionDelayMax (ms),
 *         randomizationFactor
 *
 * socket.on(event, f), once(event, f), off(event?, f?), listeners(event)
 *     The server's events, and three of the socket itself:
 *         "connect"                      each time that it is connected
 *         "disconnect" reason, details   "io server disconnect", "io client disconnect",
 *                                        "ping timeout", "transport close", "transport error" or
 *                                        "parse error"; after the first two it stays so
 *         "connect_error" error          an attempt failed; if `active` is false, it was the last
 * socket.onAny(f), offAny(f?)            All of the server's events: f(event, ...arguments).
 * socket.emit(event, ...arguments)       Kept until connected. Any argument may hold binary data. A
 *                                        function at the end is called with the server's answer.
 * socket.send(...arguments)              emit("message", ...arguments)
 * socket.timeout(ms).emit(…)             The function gets an error first: null, or why not.
 * socket.emitWithAck(event, …)           The server's answer as a promise.
 * socket.volatile.emit(…)                Forgotten unless connected now.
 * socket.connect(), disconnect()         Also as open() and close().
 * socket.id, connected, disconnected, active, auth, nsp, io
 *
 * socket.io: the connection, an io.Manager, with open(), socket(namespace, options?), engine.id and
 * the options as functions that tell or set. Its events, which its sockets tell too, as up to 2.x:
 *     "reconnect_attempt" n, "reconnecting" n, "reconnect" n, "reconnect_error" error,
 *     "reconnect_failed"; and its own: "open", "close" reason, "error" error, "ping"
 */
(() => {
  "use strict";

  // ---- io(): from an address to a socket -------------------------------------------------------

  const managers = new Map(); // those that are shared, by what they connect to

  function io(address, options) {
    if (typeof address === "object" && address !== null) [address, options] = ["", address];
    const { origin, namespace, query } = locate(address);
    options = { ...options, query: query || options?.query };

    const key = `${origin} ${options.path}`;
    const shared = managers.get(key);
    // Whoever asks for the same namespace twice wants two sockets.
    const isTaken = shared?.sockets.has(namespace);
    const isAlone = options.forceNew || options["force new connection"];
    if (isTaken || isAlone || options.multiplex === false) {
      return new Manager(address, options).socket(namespace, options);
    }
    if (!shared) managers.set(key, new Manager(address, options));
    return managers.get(key).socket(namespace, options);
  }

  // [scheme:][//][host][/namespace][?query], all of it optional: "a:3000" is a host, "/a" is not.
  const ADDRESS = /^(?:(https?|wss?):(?=\/\/))?(?:\/\/)?([^/?#]*)([^?#]*)\??([^#]*)/;

  function locate(address) {
    const [, scheme, host, namespace, query] = ADDRESS.exec(address ?? "");
    const protocol = scheme ?? location.protocol.slice(0, -1);
    const { origin } = new URL(`${protocol.replace("http", "ws")}://${host || location.host}`);
    return { origin, namespace: namespace || "/", query };
  }

  // ---- Events ----------------------------------------------------------------------------------

  class Emitter {
    #listeners = new Map();

    on(event, f) {
      this.#listeners.set(event, [...this.listeners(event), f]);
      return this;
    }

    once(event, f) {
      const first = (...details) => {
        this.off(event, first);
        f.apply(this, details);
      };
      first.f = f;
      return this.on(event, first);
    }

    // By the number of arguments: off("a", undefined) is a mistake that must not end all of "a".
    off(...which) {
      const [event, f] = which;
      if (which.length === 0) this.#listeners.clear();
      const rest = which.length === 1 ? [] : without(this.listeners(event), f);
      if (rest.length > 0) this.#listeners.set(event, rest);
      else this.#listeners.delete(event);
      return this;
    }

    // A list is replaced and never changed, so an event reaches all that listened when it came.
    listeners(event) {
      return this.#listeners.get(event) ?? [];
    }

    emit(event, ...details) {
      for (const f of this.listeners(event)) f.apply(this, details);
      return this;
    }
  }

  function without(list, f) {
    const index = list.findIndex((other) => other === f || (f && other.f === f));
    return list.filter((_, i) => i !== index);
  }

  // ---- Packets ---------------------------------------------------------------------------------
  // A message of the WebSocket is a packet of Engine.IO: a digit and its content, or the bytes of
  // an attachment. The content of MESSAGE is a packet of Socket.IO,
  //
  //     type [attachments "-"] ["/" namespace ","] [id] [JSON]
  //
  // and {"_placeholder":true,"num":n} in its JSON stands for the attachment n that follows it.

  const [OPEN, CLOSE, PING, PONG, MESSAGE, NOOP] = "012346";
  const [CONNECT, DISCONNECT, EVENT, ACK, CONNECT_ERROR, BINARY_EVENT] = [0, 1, 2, 3, 4, 5];
  const HEAD = /^([0-6])(?:(\d+)-)?(?:(\/[^,]*)(?:,|$))?(\d+)?/;

  // What a socket tells of itself, here or elsewhere: no event on the wire has such a name.
  const RESERVED = new Set(
    "connect connect_error disconnect disconnecting newListener removeListener".split(" "),
  );

  // The messages of a packet: a text, and its attachments.
  function encode(type, namespace, data, id = "") {
    const attachments = [];
    const json = JSON.stringify(data, function (key, value) {
      if (!isBinary(this[key])) return value; // not `value`: toJSON() has been at that already
      return { _placeholder: true, num: attachments.push(this[key]) - 1 };
    });
    const head = attachments.length > 0 ? `${type + 3}${attachments.length}-` : type;
    const to = namespace === "/" ? "" : `${namespace},`;
    return [`${head}${to}${id}${json ?? ""}`, ...attachments];
  }

  function isBinary(value) {
    if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) return true;
    return typeof Blob === "function" && value instanceof Blob;
  }

  // The packet of such messages; null if attachments are missing. Throws at what can be none.
  function decode([text, ...attachments]) {
    const [head, digit, count = 0, namespace = "/", id] = HEAD.exec(text);
    if (attachments.length < count) return null;
    const restore = (key, value) => {
      if (value?._placeholder !== true) return value;
      if (!attachments[value.num]) throw new Error("a placeholder of no attachment");
      return attachments[value.num];
    };
    const type = digit >= BINARY_EVENT ? digit - 3 : Number(digit);
    const json = text.slice(head.length);
    const data = json && JSON.parse(json, count > 0 ? restore : undefined);
    const isList = Array.isArray(data);
    if (isList !== (type === EVENT || type === ACK)) throw new Error("data of another type");
    if (type === EVENT && RESERVED.has(data[0])) throw new Error("an event with a reserved name");
    return { type, namespace, id, data };
  }

  // ---- The connection --------------------------------------------------------------------------

  // What managers and sockets know of each other, under names that no page can meet.
  const [line, send, release] = ["line", "send", "release"].map(Symbol);
  const [opened, received, lost] = ["opened", "received", "lost"].map(Symbol);

  const DEFAULTS = {
    reconnection: true,
    reconnectionAttempts: Infinity,
    reconnectionDelay: 1_000,
    reconnectionDelayMax: 5_000,
    randomizationFactor: 0.5,
    timeout: 20_000,
  };

  class Manager extends Emitter {
    sockets = new Map(); // by namespace
    engine = null; // for pages: the connection, or the last one that there was
    [line] = null; // the same for sockets; null while there is none
    #origin;
    #websocket = null;
    #messages = []; // of a packet, until all its attachments are here
    #state = "closed"; // or "opening", "open", "waiting" (to try again)
    #timer; // one is enough: each state waits for one thing at most
    #attempts = 0; // to connect again, since the last connection
    #silence; // ms; the longest that the server is silent

    constructor(address, options) {
      super();
      this.#origin = locate(address).origin;
      this.opts = { ...options };
    }

    socket(namespace, options = {}) {
      const socket = this.sockets.get(namespace) ?? new Socket(this, namespace, options);
      this.sockets.set(namespace, socket);
      return options.autoConnect === false ? socket : socket.connect();
    }

    open() {
      if (this.#state === "closed") this.#open();
      return this;
    }

    [send]([text, ...attachments]) {
      for (const message of [MESSAGE + text, ...attachments]) this.#websocket.send(message);
    }

    // A socket needs the connection no more; with the last one it ends.
    [release]() {
      if (this.#active().length > 0 || this.#state === "closed") return;
      this.#drop();
      this.#attempts = 0;
      this.emit("close", "forced close");
    }

    #active() {
      return [...this.sockets.values()].filter((socket) => socket.active);
    }

    #open() {
      const url = new URL(this.opts.path ?? "/socket.io", this.#origin);
      url.pathname = url.pathname.replace(/\/?$/, "/");
      url.search = new URLSearchParams(this.opts.query ?? "");
      url.searchParams.set("EIO", 4);
      url.searchParams.set("transport", "websocket");

      const websocket = (this.#websocket = new WebSocket(url.href));
      websocket.binaryType = "arraybuffer";
      // One that was dropped may still have events to deliver: they are not for its successor.
      const current = (f) => (event) => websocket === this.#websocket && f(event);
      websocket.onmessage = current(({ data }) => this.#receive(data));
      websocket.onerror = current((event) => this.#lose("transport error", event));
      websocket.onclose = current((event) => this.#lose("transport close", event));
      this.#messages = [];
      this.#state = "opening";
      this.#timer = setTimeout(() => this.#lose("timeout"), this.timeout());
    }

    #receive(message) {
      const isText = typeof message === "string";
      const [type, content] = isText ? [message[0], message.slice(1)] : [MESSAGE, message];
      let data;
      try {
        if (type === OPEN) data = JSON.parse(content);
        else if (type === MESSAGE) data = this.#collect(content);
        else if (![CLOSE, PING, NOOP].includes(type)) throw new Error("a packet of no type");
      } catch (error) {
        return this.#lose("parse error", error);
      }
      if (type === OPEN) this.#opened(data);
      if (type === CLOSE) this.#lose("transport close");
      if (type === PING) {
        this.#watch();
        this.#websocket.send(PONG);
        this.emit("ping");
      }
      if (data && type === MESSAGE) this.sockets.get(data.namespace)?.[received](data);
    }

    #collect(content) {
      const isFirst = this.#messages.length === 0;
      if (isFirst !== (typeof content === "string")) throw new Error("not what had to follow");
      this.#messages.push(content);
      const packet = decode(this.#messages);
      if (packet) this.#messages = [];
      return packet;
    }

    #opened({ sid, pingInterval, pingTimeout }) {
      this.#state = "open";
      this.#silence = pingInterval + pingTimeout;
      this.#watch();
      this[line] = this.engine = Object.assign(new Emitter(), {
        id: sid,
        transport: { name: "websocket" },
        close: () => this.#lose("forced close"),
      });
      const attempts = this.#attempts;
      this.#attempts = 0;
      for (const socket of this.#active()) socket[opened]();
      this.emit("open");
      if (attempts > 0) this.#tell("reconnect", attempts);
    }

    #watch() {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#lose("ping timeout"), this.#silence);
    }

    // Leaves the connection, or the attempt at one.
    #drop() {
      clearTimeout(this.#timer);
      const websocket = this.#websocket;
      this.#websocket = this[line] = null;
      this.#state = "closed";
      websocket?.close();
    }

    // What happens next is settled before anyone is told, since whoever is told may change it.
    #lose(reason, cause) {
      const wasOpen = this.#state === "open";
      const isAgain = this.#attempts > 0;
      this.#drop();
      const isOver = !this.#retry();
      const isTold = wasOpen || reason === "timeout";
      const error = new Error(isTold ? reason : "websocket error");
      error.description = cause;
      if (!wasOpen) this.emit("error", error);
      for (const socket of this.#active()) socket[lost](reason, error);
      if (wasOpen) this.emit("close", reason, error);
      if (isAgain) this.#tell("reconnect_error", error);
      if (isAgain && isOver) this.#tell("reconnect_failed");
    }

    #retry() {
      if (!this.reconnection() || this.#attempts >= this.reconnectionAttempts()) {
        this.#attempts = 0;
        return false;
      }
      this.#state = "waiting";
      this.#timer = setTimeout(() => {
        this.#attempts++;
        this.#tell("reconnect_attempt", this.#attempts);
        this.#tell("reconnecting", this.#attempts);
        if (this.#state === "waiting") this.#open(); // unless whoever was told has disconnected
      }, this.#delay());
      return true;
    }

    // Jitter, so that a server which comes back is not met by all its clients in the same instant;
    // within the limit, not cut off there, or they would meet at the limit.
    #delay() {
      const [most, jitter] = [this.reconnectionDelayMax(), this.randomizationFactor()];
      const middle = Math.min(this.reconnectionDelay() * 2 ** this.#attempts, most);
      const [from, to] = [middle * (1 - jitter), Math.min(middle * (1 + jitter), most)];
      return from + Math.random() * (to - from);
    }

    // Up to 2.x a socket told these too, and that is how older pages learn to log in again.
    #tell(event, detail) {
      for (const emitter of [this, ...this.#active()]) {
        Emitter.prototype.emit.call(emitter, event, detail);
      }
    }
  }

  for (const option of Object.keys(DEFAULTS)) {
    Manager.prototype[option] = function (...values) {
      if (values.length === 0) return this.opts[option] ?? DEFAULTS[option];
      this.opts[option] = values[0];
      return this;
    };
  }

  // ---- A namespace of it -----------------------------------------------------------------------

  class Socket extends Emitter {
    id; // the server's name for this socket, while connected
    active = false; // whether it is to be connected
    #line = null; // the connection that the server has accepted it on
    #acks = new Map(); // what waits for an answer, by id: { messages, settle }
    #ids = 0;
    #buffer = []; // packets to send when connected
    #any = [];
    #flags = {}; // for the next emit()
    #ackTimeout; // ms

    constructor(manager, namespace, options) {
      super();
      Object.assign(this, { io: manager, nsp: namespace, auth: options.auth });
      this.#ackTimeout = options.ackTimeout;
    }

    // Derived, so that all sockets of a connection lose it in the same instant.
    get connected() {
      return this.#line !== null && this.#line === this.io[line];
    }
    get disconnected() {
      return !this.connected;
    }

    connect() {
      if (!this.active) {
        this.active = true;
        if (this.io[line]) this[opened]();
      }
      this.io.open();
      return this;
    }

    disconnect() {
      if (this.connected) this.io[send](encode(DISCONNECT, this.nsp));
      this.#end("io client disconnect");
      return this;
    }

    onAny(f) {
      this.#any = [...this.#any, f];
      return this;
    }

    offAny(...which) {
      this.#any = which.length === 0 ? [] : without(this.#any, which[0]);
      return this;
    }

    timeout(ms) {
      this.#flags.timeout = ms;
      return this;
    }

    get volatile() {
      this.#flags.isVolatile = true;
      return this;
    }

    send(...args) {
      return this.emit("message", ...args);
    }

    emitWithAck(event, ...args) {
      return new Promise((resolve, reject) => {
        this.#flags.isErrorFirst = true;
        this.emit(event, ...args, (error, answer) => (error ? reject(error) : resolve(answer)));
      });
    }

    emit(event, ...args) {
      const { timeout = this.#ackTimeout, isErrorFirst, isVolatile } = this.#flags;
      this.#flags = {};
      if (RESERVED.has(event)) throw new Error(`"${event}" is a reserved event name`);
      const done = typeof args.at(-1) === "function" ? args.pop() : null;
      const id = done ? this.#ids++ : undefined;
      const messages = encode(EVENT, this.nsp, [event, ...args], id);
      if (done) this.#await(id, messages, done, timeout, isErrorFirst);
      if (this.connected) this.io[send](messages);
      else if (!isVolatile) this.#buffer.push(messages);
      return this;
    }

    #await(id, messages, done, timeout, isErrorFirst = timeout !== undefined) {
      let timer;
      const settle = (error, answer = []) => {
        clearTimeout(timer);
        this.#acks.delete(id);
        if (isErrorFirst) done.call(this, error, ...answer);
        else if (!error) done.apply(this, answer);
      };
      this.#acks.set(id, { messages, settle });
      if (timeout === undefined) return;
      timer = setTimeout(() => {
        this.#buffer = without(this.#buffer, messages); // nobody waits for it any more
        settle(new Error("operation has timed out"));
      }, timeout);
    }

    [opened]() {
      const current = this.io[line];
      const ask = (auth) => {
        // A function may take its time: this may be another connection, or none.
        if (!this.active || current !== this.io[line]) return;
        this.io[send](encode(CONNECT, this.nsp, auth));
      };
      if (typeof this.auth === "function") this.auth(ask);
      else ask(this.auth);
    }

    [received]({ type, id, data }) {
      if (type === CONNECT) this.#accepted(data);
      if (type === CONNECT_ERROR) this.#refused(data);
      if (!this.connected) return; // what was on its way when this socket left
      if (type === EVENT) this.#event(data, id);
      if (type === ACK) this.#acks.get(Number(id))?.settle(null, data);
      if (type === DISCONNECT) this.#end("io server disconnect");
    }

    #accepted({ sid }) {
      if (!this.active) return this.io[send](encode(DISCONNECT, this.nsp)); // it left meanwhile
      this.id = sid;
      this.#line = this.io[line];
      const buffer = this.#buffer;
      this.#buffer = [];
      for (const messages of buffer) this.io[send](messages);
      super.emit("connect");
    }

    #refused({ message, data }) {
      this.active = false;
      this.io[release]();
      super.emit("connect_error", Object.assign(new Error(message), { data }));
    }

    #event(args, id) {
      if (id !== undefined) args.push(this.#answer(id));
      for (const f of this.#any) f.apply(this, args);
      super.emit(...args);
    }

    // A function to answer an event with, once and on the connection that it came on.
    #answer(id) {
      let current = this.#line;
      return (...answer) => {
        if (!this.connected || this.#line !== current) return;
        current = null;
        this.io[send](encode(ACK, this.nsp, answer, id));
      };
    }

    #end(reason) {
      this.active = false;
      this.io[release]();
      this[lost](reason);
    }

    // The connection, or an attempt at one, has failed, or this socket has left it.
    [lost](reason, error) {
      const wasConnected = this.#line !== null;
      this.#line = null;
      this.id = undefined;
      if (wasConnected) super.emit("disconnect", reason, error);
      else if (this.active) super.emit("connect_error", error);
      for (const { messages, settle } of this.#acks.values()) {
        const isToBeSent = this.#buffer.includes(messages);
        if (!isToBeSent) settle(new Error("socket has been disconnected"));
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
  alias(Manager, { connect: "open" });

  globalThis.io = Object.assign(io, { connect: io, Manager, Socket, protocol: 5 });
})();
