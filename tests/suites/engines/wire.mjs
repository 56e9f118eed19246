// A relay between the browser and the server that notes what each sends on the connections of
// WebSocket, and when: frames, the end of its bytes (FIN), a reset (RST).

import { once } from "node:events";
import { connect, createServer } from "node:net";

import { CLOSE, Frames, PING, PONG } from "./frames.mjs";

const END = /Close|FIN|RST/; // how connections end

export class Wire {
  #links = [];

  static async start(target, host) {
    const wire = new Wire();
    const { port, hostname } = new URL(target);
    const server = createServer({ allowHalfOpen: true }, (near) => {
      wire.#links.push(new Link(near, connect({ port, host: hostname, allowHalfOpen: true })));
    });
    server.listen(0, "0.0.0.0");
    await once(server, "listening");
    server.unref();
    wire.url = `http://${host}:${server.address().port}`;
    return wire;
  }

  /** How many clients of headcount.js have come since a time. */
  hellos(time) {
    return this.#times(time, /→ hello/).length;
  }

  /** The longest time from the end of a connection until the next client says hello, in ms. */
  longestAway(time) {
    const ends = this.#times(time, /→ (Close|FIN|RST)/);
    const lastBefore = (at) => Math.max(...ends.filter((end) => end <= at));
    return Math.max(...this.#times(time, /→ hello/).map((at) => at - lastBefore(at)));
  }

  /**
   * How the last connection ended that did since a time, and within which time, or what there was
   * on the one that is still there.
   */
  told(time) {
    const isEnd = ([, words]) => END.test(words);
    const links = this.#since(time);
    const ended = links.filter((notes) => notes.some(isEnd));
    const notes = ended.at(-1) ?? links.at(-1) ?? [];
    const shown = notes.slice(Math.max(notes.findIndex(isEnd), 0));
    if (shown.length === 0) return "nothing";
    const words = shown.map(([, words]) => words).join(", ");
    return ended.length === 0 ? words : `${words} (${shown.at(-1)[0] - shown[0][0]} ms)`;
  }

  #times(time, words) {
    const notes = this.#since(time).flat();
    return notes.filter((note) => words.test(note[1])).map(([at]) => at);
  }

  // The notes on each connection: [time, words].
  #since(time) {
    const lists = this.#links.map(({ notes }) => notes.filter(([at]) => at >= time));
    return lists.filter((notes) => notes.length > 0);
  }
}

class Link {
  notes = [];
  #isWebSocket = false;

  constructor(near, far) {
    this.#pass(near, far, "→");
    this.#pass(far, near, "←");
  }

  #pass(from, to, arrow) {
    const note = (words) => {
      if (this.#isWebSocket) this.notes.push([Date.now(), `${arrow} ${words}`]);
    };
    const frames = new Frames();
    let head = ""; // of HTTP; null once there are frames
    from.on("data", (bytes) => {
      to.write(bytes);
      if (head !== null) {
        head += bytes.toString("latin1");
        const end = head.indexOf("\r\n\r\n") + 4;
        if (end < 4) return;
        this.#isWebSocket ||= /^upgrade: *websocket/im.test(head);
        if (!this.#isWebSocket) return (head = "");
        bytes = Buffer.from(head.slice(end), "latin1");
        head = null;
      }
      for (const [opcode, payload] of frames.read(bytes)) note(wordsOf(opcode, payload));
    });
    from.on("end", () => {
      note("FIN");
      to.end();
    });
    from.on("error", ({ code }) => {
      note(code === "ECONNRESET" ? "RST" : code);
      to.resetAndDestroy();
    });
  }
}

function wordsOf(opcode, payload) {
  if (opcode === CLOSE) {
    return payload.length < 2 ? "Close without a code" : `Close ${payload.readUInt16BE()}`;
  }
  if (opcode === PING) return "ping";
  if (opcode === PONG) return "pong";
  const [, event] = /^\["(\w+)"/.exec(payload) ?? [];
  return event ?? "text";
}
