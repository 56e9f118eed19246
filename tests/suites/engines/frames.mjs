// Frames of WebSocket as they are on the wire, for those that look at it: no fragments, no
// extensions. Neither the server nor the pages of this suite send others.

export const TEXT = 1;
export const CLOSE = 8;
export const PING = 9;
export const PONG = 10;

export class Frames {
  #bytes = Buffer.alloc(0);

  /** The frames that are whole with these bytes: [opcode, payload]. */
  *read(bytes) {
    this.#bytes = Buffer.concat([this.#bytes, bytes]);
    for (let frame; (frame = this.#next());) yield frame;
  }

  #next() {
    const bytes = this.#bytes;
    if (bytes.length < 2) return null;
    const [first, second] = bytes;
    const short = second & 0x7f;
    const sizeOfLength = { 126: 2, 127: 8 }[short] ?? 0;
    const sizeOfMask = second & 0x80 ? 4 : 0;
    const start = 2 + sizeOfLength + sizeOfMask;
    if (bytes.length < start) return null;
    let length = short;
    if (sizeOfLength === 2) length = bytes.readUInt16BE(2);
    if (sizeOfLength === 8) length = Number(bytes.readBigUInt64BE(2));
    if (bytes.length < start + length) return null;
    const mask = bytes.subarray(start - sizeOfMask, start);
    const payload = Buffer.from(bytes.subarray(start, start + length));
    if (sizeOfMask) for (let i = 0; i < length; i++) payload[i] ^= mask[i % 4];
    this.#bytes = bytes.subarray(start + length);
    return [first & 0x0f, payload];
  }
}

/** A short one as a client sends it. */
export function frame(opcode, payload) {
  return Buffer.concat([Buffer.from([0x80 | opcode, 0x80 | payload.length, 0, 0, 0, 0]), payload]);
}
