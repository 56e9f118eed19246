#!/usr/bin/env node
// What headcount's adapter does, on socket.io's own server: what the tests here find in headcount
// they must find in this too, or they ask for what is not Socket.IO's.
//
//     node reference.mjs [--listen ADDRESS:PORT] [--www FOLDER] [--transports LIST]
//
// It is both applications at once: the roster, and that of the official conformance suite. Takes
// headcount's flags, and says where it listens as headcount does.

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join, normalize } from "node:path";
import { parseArgs } from "node:util";

import { Server } from "socket.io";

const { values } = parseArgs({
  options: {
    listen: { type: "string", default: "127.0.0.1:3000" },
    www: { type: "string" },
    transports: { type: "string", default: "polling,websocket" },
    "allow-origin": { type: "string" },
    "hold-closed-ms": { type: "string" },
    "hold-lost-ms": { type: "string" },
  },
});
const SCRIPT = new URL("../../../www/socket.io.js", import.meta.url);

const http = createServer();
const origin = values["allow-origin"];
const cors = origin && { origin, credentials: true };
const transports = values.transports.split(",");
const server = new Server(http, { serveClient: false, cors, transports });

// ---- Files: of the folder, and our script where pages look for socket.io's ----------------------

const [engine] = http.listeners("request");
http.removeAllListeners("request");
http.on("request", async (request, response) => {
  const path = request.url === "/" ? "/index.html" : request.url;
  const isScript = /^\/socket\.io\/socket\.io(\.min)?\.js$/.test(path);
  if (path.startsWith("/socket.io/") && !isScript) return engine(request, response);
  try {
    const content = await readFile(isScript ? SCRIPT : join(values.www, normalize(path)));
    const type = { html: "text/html", css: "text/css", js: "text/javascript" };
    response.setHeader("Content-Type", `${type[path.split(".").pop()]}; charset=utf-8`);
    response.end(content);
  } catch {
    response.writeHead(404, { "Content-Type": "text/plain" }).end("there is nothing here\n");
  }
});

// ---- The roster --------------------------------------------------------------------------------

const namespaces = [server.of("/"), server.of("/custom")];
const names = new Map(); // by socket

const ENTITIES = { "<": "&lt;", ">": "&gt;", "&": "&amp;", '"': "&quot;", "'": "&#39;" };
const escaped = (name) => name.replace(/[<>&"']/g, (sign) => ENTITIES[sign]);
const list = (room) => {
  const here = [...names].filter(([socket]) => socket.nsp === room).map(([, name]) => name);
  return [...new Set(here)].sort().map(escaped);
};

function refusal(name) {
  if (typeof name !== "string" || name === "") return "name_empty";
  if (name.length > 64) return "name_too_long";
  return /[\u202A-\u202E]/.test(name) ? "name_invalid" : null;
}


function watch(socket) {
  const room = socket.nsp;
  const commit = () => room.emit("login", list(room));
  socket.emit("login", list(room));
  socket.on("login", (name, answer) => {
    const code = refusal(name);
    const error = code && { code, message: `in words: ${code}` };
    if (error) {
      socket.emit("error", error);
    } else {
      names.set(socket, name);
      commit();
    }
    answer?.(error);
  });
  const leave = () => names.delete(socket) && commit();
  socket.on("logout", leave);
  socket.on("disconnect", leave);
}

// ---- The suite ---------------------------------------------------------------------------------

for (const namespace of namespaces) {
  namespace.on("connection", (socket) => {
    socket.emit("auth", socket.handshake.auth);
    socket.on("message", (...args) => socket.emit("message-back", ...args));
    socket.on("message-with-ack", (...args) => args.pop()(...args));
    watch(socket);
  });
}

const [, host, port] = /^(.*):(\d+)$/.exec(values.listen);
http.listen(Number(port), host, () => {
  const { address, port } = http.address();
  console.log(`headcount listening on http://${address}:${port}`);
});
