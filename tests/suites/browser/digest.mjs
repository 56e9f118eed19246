// The digest of a roster as docs/protocol.md defines it, written apart from the module. Nothing is
// imported, so that a page can have it too.

const finish = (h) => {
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
};

const lane = (bytes, basis, prime) => {
  let h = basis;
  for (const byte of bytes) h = Math.imul(h ^ byte, prime);
  return finish(h ^ bytes.length);
};

const canonical = (value) => {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const members = Object.keys(value).sort();
  return `{${members.map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`).join(",")}}`;
};

const encoder = new TextEncoder();

const lanes = ([name, status = "active", data]) => {
  const bytes = encoder.encode(`${name}\0${status}\0${data === undefined ? "" : canonical(data)}`);
  return [lane(bytes, 0x811c9dc5, 0x01000193), lane(bytes, 0x050c5d1f, 0x9e3779b1)];
};

class Sum {
  constructor([a, b] = [0, 0]) {
    Object.assign(this, { a, b });
  }
  add(entry, sign = 1) {
    const [a, b] = lanes(entry);
    this.a = (this.a + sign * a) >>> 0;
    this.b = (this.b + sign * b) >>> 0;
  }
  get text() {
    return [this.a, this.b].map((sum) => sum.toString(16).padStart(8, "0")).join("");
  }
}

/** The digest of such entries: [name, status?, data?]. */
export function digest(entries) {
  const sum = new Sum();
  for (const entry of entries) sum.add(entry);
  return sum.text;
}

/** The copies that a client has of rooms, made from what it is told. */
export class Copies {
  rooms = new Map(); // room → { entries: name → [status, data], sum }

  constructor(others) {
    for (const [room, { entries, sum }] of others?.rooms ?? []) {
      this.rooms.set(room, { entries: new Map(entries), sum: new Sum([sum.a, sum.b]) });
    }
  }

  /** Takes a roster or a change; the digest of what that makes of the copy. */
  take(event, { room = "", names, joined = names, left = [], status = {}, data = {} }) {
    if (event === "roster" || !this.rooms.has(room)) {
      this.rooms.set(room, { entries: new Map(), sum: new Sum() });
    }
    const { entries, sum } = this.rooms.get(room);
    const touched = new Set([...left, ...joined, ...Object.keys(status), ...Object.keys(data)]);
    const count = (sign) => {
      for (const name of touched) {
        if (entries.has(name)) sum.add([name, ...entries.get(name)], sign);
      }
    };
    count(-1);
    for (const name of left) entries.delete(name);
    for (const name of joined) entries.set(name, []);
    for (const [name, own] of Object.entries(status)) entries.get(name)?.splice(0, 1, own);
    for (const [name, own] of Object.entries(data)) {
      const [had] = entries.get(name) ?? [];
      if (entries.has(name)) entries.set(name, [had, own ?? undefined]);
    }
    count(1);
    return sum.text;
  }
}
