// Between the page and the server: a relay that can fall silent. It keeps all connections and passes
// nothing on, as a NAT does that has forgotten them, or a machine that sleeps.

import { once } from "node:events";
import { createServer, connect as dial } from "node:net";

export class Relay {
  isSilent = false;
  #pairs = new Set();

  static async start(target) {
    const relay = new Relay();
    relay.server = createServer((near) => relay.#join(near, dial(target.port, target.hostname)));
    relay.server.listen(0, "127.0.0.1");
    await once(relay.server, "listening");
    relay.url = `http://127.0.0.1:${relay.server.address().port}`;
    return relay;
  }

  #join(near, far) {
    const pair = { near, far, isForgotten: this.isSilent };
    this.#pairs.add(pair);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ]) {
      from.on("data", (data) => pair.isForgotten || to.write(data));
      from.on("end", () => pair.isForgotten || to.end());
      from.on("error", () => pair.isForgotten || to.destroy());
    }
  }

  /** All connections that there are pass nothing on any more. */
  forget() {
    for (const pair of this.#pairs) pair.isForgotten = true;
  }

  /** The server sees that they are gone. The page does not. */
  endFar() {
    for (const pair of this.#pairs) if (pair.isForgotten) pair.far.destroy();
  }

  stop() {
    for (const { near, far } of this.#pairs) [near, far].forEach((socket) => socket.destroy());
    this.server.close();
  }
}
