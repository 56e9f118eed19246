// A proxy between a client and a server, which hands HTTP requests on and has its own way with
// WebSockets. It notes what comes by.

import { once } from "node:events";
import { createServer, request as ask } from "node:http";
import { connect } from "node:net";

/** What becomes of a request for a WebSocket. */
const WAYS = {
  /** It is handed on. */
  open: (gate, request, near, head) => gate.tunnel(request, near, head),
  /** The connection is closed. */
  cut: (gate, request, near) => near.destroy(),
  /** It is refused. */
  refuse: (gate, request, near) => near.end("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"),
  /** There is a response, and it is that of somebody who does not know what this is. */
  page: (gate, request, near) =>
    near.end("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\nhi"),
  /** There is none. */
  swallow: () => {},
  /** It is accepted, and no byte of it comes through. */
  mute: (gate, request, near) => gate.tunnel(request, near, Buffer.alloc(0), () => false),
  /** It ends with the first message of the server: "3probe" of one that a client may move to. */
  brief: (gate, request, near, head) =>
    gate.tunnel(request, near, head, (isMessage) => {
      if (isMessage) setTimeout(() => near.destroy(), 5);
      return true;
    }),
};

export const BLOCKING = Object.keys(WAYS).filter((way) => !["open", "brief"].includes(way));

export class Gate {
  way = "open";
  isClosed = false; // to requests of any kind
  delay = 0; // ms, of each POST
  seen = []; // "GET", "POST" or "websocket", each with what it has asked for
  most = { GET: 0, POST: 0, OPTIONS: 0 }; // how many of each there were at once
  bytesMax = 0; // of a POST
  #now = { GET: 0, POST: 0, OPTIONS: 0 };
  #sockets = new Set();

  static async start(target, way = "open") {
    const gate = new Gate();
    Object.assign(gate, { target: new URL(target), way });
    gate.server = createServer((request, response) => gate.#hand(request, response));
    gate.server.on("connection", (socket) => gate.#keep(socket));
    gate.server.on("upgrade", (request, near, head) => {
      gate.seen.push({ kind: "websocket", url: request.url });
      near.on("error", () => {});
      if (gate.isClosed) near.destroy();
      else WAYS[gate.way](gate, request, near, head);
    });
    gate.server.listen(0, "127.0.0.1");
    await once(gate.server, "listening");
    gate.url = `http://127.0.0.1:${gate.server.address().port}`;
    return gate;
  }

  /** What has come by, by kind. */
  kinds() {
    return this.seen.map(({ kind }) => kind);
  }

  get open() {
    return this.#sockets.size;
  }

  /** Ends all connections, as a network does that goes away. */
  cut() {
    for (const socket of this.#sockets) socket.destroy();
  }

  stop() {
    this.cut();
    this.server.close();
  }

  #keep(socket) {
    this.#sockets.add(socket.on("error", () => {}));
    socket.on("close", () => this.#sockets.delete(socket));
  }

  async #hand(request, response) {
    const { method, url, headers } = request;
    if (this.isClosed) return request.socket.destroy();
    const note = { kind: method, url, headers };
    this.seen.push(note);
    this.most[method] = Math.max(this.most[method], ++this.#now[method]);
    response.on("close", () => this.#now[method]--);
    const parts = [];
    for await (const part of request) parts.push(part);
    const body = Buffer.concat(parts);
    note.body = body.toString();
    this.bytesMax = Math.max(this.bytesMax, body.length);
    if (method === "POST" && this.delay) await new Promise((go) => setTimeout(go, this.delay));
    const { hostname, port } = this.target;
    const far = ask({ hostname, port, method, path: url, headers });
    response.on("close", () => far.destroy());
    far.on("error", () => response.destroy());
    far.on("response", (answer) => {
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    });
    far.end(body);
  }

  tunnel({ method, url, rawHeaders }, near, head, lets = () => true) {
    const far = connect(this.target.port, this.target.hostname);
    const fields = rawHeaders.map((it, index) => (index % 2 ? `${it}\r\n` : `${it}: `)).join("");
    far.write(`${method} ${url} HTTP/1.1\r\n${fields}\r\n`);
    far.write(head);
    let isAccepted = false;
    near.on("data", (bytes) => lets(false) && far.write(bytes));
    far.on("data", (bytes) => {
      const end = isAccepted ? 0 : bytes.indexOf("\r\n\r\n") + 4;
      isAccepted = true;
      near.write(bytes.subarray(0, end));
      if (bytes.length > end && lets(true)) near.write(bytes.subarray(end));
    });
    for (const [one, other] of [[near, far], [far, near]]) {
      one.on("close", () => other.destroy()).on("error", () => {});
    }
  }
}
