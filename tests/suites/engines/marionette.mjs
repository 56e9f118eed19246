// How Firefox is driven: the commands of WebDriver over its own protocol, Marionette, which
// geckodriver speaks too. (Debian has no geckodriver.) A message is its length, a colon, and JSON.

import { connect } from "node:net";

export class Marionette {
  #socket;
  #bytes = Buffer.alloc(0);
  #waiting = new Map(); // the number of a command → what its answer settles
  #count = 0;

  static connect(path) {
    return new Promise((resolve, reject) => {
      const marionette = new this();
      marionette.#socket = connect(path);
      marionette.#socket.on("data", (data) => marionette.#receive(data, resolve));
      marionette.#socket.on("error", () => {});
      marionette.#socket.on("close", () => marionette.#end(reject));
    });
  }

  command({ marionette }, parameters) {
    const id = ++this.#count;
    const text = JSON.stringify([0, id, marionette, parameters]);
    this.#socket.write(`${Buffer.byteLength(text)}:${text}`);
    return new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
  }

  #receive(data, greeted) {
    this.#bytes = Buffer.concat([this.#bytes, data]);
    for (;;) {
      const colon = this.#bytes.indexOf(":");
      const end = colon + 1 + Number(this.#bytes.subarray(0, Math.max(colon, 0)));
      if (colon < 0 || this.#bytes.length < end) return;
      const message = JSON.parse(this.#bytes.subarray(colon + 1, end));
      this.#bytes = this.#bytes.subarray(end);
      if (Array.isArray(message)) this.#answered(message);
      else greeted(this);
    }
  }

  #answered([, id, error, result]) {
    const { resolve, reject } = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error) reject(new Error(`${error.error}: ${error.message}`));
    else resolve(result && "value" in result ? result.value : result);
  }

  #end(reject) {
    const error = new Error("the browser has closed the connection");
    reject(error);
    for (const { reject } of this.#waiting.values()) reject(error);
  }
}
