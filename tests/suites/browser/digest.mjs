// The digest of a roster as docs/protocol.md defines it, written apart from the module and in the
// plainest way: from all entries, each time. Nothing is imported, so that a page can have it too.

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

/** The digest of such entries: [name, status?, data?]. */
export function digest(entries) {
  let [a, b] = [0, 0];
  for (const [name, status = "active", data] of entries) {
    const text = `${name}\0${status}\0${data === undefined ? "" : canonical(data)}`;
    const bytes = new TextEncoder().encode(text);
    a = (a + lane(bytes, 0x811c9dc5, 0x01000193)) >>> 0;
    b = (b + lane(bytes, 0x050c5d1f, 0x9e3779b1)) >>> 0;
  }
  return [a, b].map((sum) => sum.toString(16).padStart(8, "0")).join("");
}

/** The copies that a client has of rooms, made from what it is told. */
export class Copies {
  rooms = new Map(); // room → name → [status, data]

  constructor(others) {
    for (const [room, entries] of others?.rooms ?? []) this.rooms.set(room, new Map(entries));
  }

  /** Takes a roster or a change; the digest of what that makes of the copy. */
  take(event, { room = "", names, joined = names, left = [], status = {}, data = {} }) {
    if (event === "roster" || !this.rooms.has(room)) this.rooms.set(room, new Map());
    const entries = this.rooms.get(room);
    for (const name of left) entries.delete(name);
    for (const name of joined) entries.set(name, []);
    for (const [name, own] of Object.entries(status)) entries.get(name)?.splice(0, 1, own);
    for (const [name, own] of Object.entries(data)) {
      const [had] = entries.get(name) ?? [];
      if (entries.has(name)) entries.set(name, [had, own ?? undefined]);
    }
    return digest([...entries].map(([name, [had, own]]) => [name, had, own]));
  }
}
