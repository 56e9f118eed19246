// Somebody else in a room: a bare client that counts what it is told, and notes when.

import assert from "node:assert/strict";
import { once } from "node:events";
import { get } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

import { Frames, PING, PONG, TEXT, frame } from "./frames.mjs";

export class Observer {
  #told = []; // [time, event, detail]
  #socket;
  ignoresStatus = false; // of somebody whose page is hidden or shown

  static async start(url, room) {
    const observer = new this();
    const headers = {
      connection: "Upgrade",
      upgrade: "websocket",
      "sec-websocket-version": "13",
      "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
    };
    const [, socket, head] = await once(get(`${url}/ws/${room}`, { headers }), "upgrade");
    const frames = new Frames();
    const receive = (bytes) => {
      for (const [opcode, payload] of frames.read(bytes)) {
        if (opcode === PING) socket.write(frame(PONG, payload));
        if (opcode === TEXT) observer.#receive(...JSON.parse(payload));
      }
    };
    receive(head);
    socket.on("data", receive);
    socket.on("error", () => {});
    observer.#socket = socket;
    await observer.next("roster");
    return observer;
  }

  send(...message) {
    this.#socket.write(frame(TEXT, Buffer.from(JSON.stringify(message))));
  }

  /** Waits for the next message, which is such an event. */
  async next(event, ms = 30_000) {
    for (const until = Date.now() + ms; this.#told.length === 0; await sleep(5)) {
      assert.ok(!this.#socket.destroyed, "the observer was disconnected");
      assert.ok(Date.now() < until, `no ${event} within ${ms} ms`);
    }
    const [[at, is, detail]] = this.#told.splice(0, 1);
    assert.equal(is, event, JSON.stringify(detail));
    return [at, detail];
  }

  /** When it is told exactly this, and nothing before. */
  async sees(change, ms) {
    const [at, detail] = await this.next("change", ms);
    const { joined, left } = detail;
    const expected = { joined: [], left: [], ...change };
    assert.deepEqual({ joined, left }, expected, `it was told ${JSON.stringify(detail)}`);
    return at;
  }

  /** For so long, and since what it saw last. */
  async seesNothing(ms, note) {
    await sleep(ms);
    assert.ok(!this.#socket.destroyed, "the observer was disconnected");
    assert.deepEqual(this.#told, [], note && `${note}: ${JSON.stringify(this.#told)}`);
  }

  #receive(event, detail) {
    const isStatus = event === "change" && detail.joined.length + detail.left.length === 0;
    if (isStatus && this.ignoresStatus) return;
    this.#told.push([Date.now(), event, detail]);
  }

  end() {
    this.#socket.destroy();
  }
}
