// The types of headcount.js. docs/app.md is the manual.

/** What a member is seen as; "active" unless another is told. */
export type Status = "active" | "idle" | "hidden";

/** What is to be told of a room: each change, the number of names alone, or nothing. */
export type View = "changes" | "count" | "none";

/** "open": what the room says is live. Otherwise it is as last known, perhaps before a reload. */
export type State = "connecting" | "open" | "waiting" | "closed";

/** Presence data: at most 8 keys, and 1 KiB as JSON. */
export type Data = { readonly [key: string]: unknown };

export interface Profile {
  /** Each key given replaces that key, and `null` takes it away. */
  data?: Data | null;
  status?: Status | null;
}

/** The reason of a refusal; also what a promise is rejected with, then as an Error. */
export interface Refusal {
  /** One of the server's codes, or "late" or "closed". */
  code: string;
  /** A sentence for people. */
  message: string;
}

export interface Events {
  state: State;
  /** The whole roster, and its difference to the last one; after a reload, first the old one. */
  roster: {
    epoch: string | null;
    seq: number;
    names: readonly string[];
    joined: readonly string[];
    left: readonly string[];
  };
  /** Who came and who went, and of whom else the data or the status are others. */
  change: {
    seq: number;
    joined: readonly string[];
    left: readonly string[];
    updated: readonly string[];
    /** Why those left, by name, if the server runs with `--show-causes`. */
    causes?: Readonly<Record<string, "logout" | "closed" | "lost" | "removed">>;
  };
  /** In the view "count". */
  count: { seq: number; count: number };
  /** A request was refused, and is undone. */
  error: Refusal;
}

export interface Room extends EventTarget {
  /** The room's name; "" is that of /ws. */
  readonly room: string;
  readonly state: State;
  /** The roster: frozen, sorted by code point. Who comes or goes makes a new array. */
  readonly names: readonly string[];
  readonly size: number;
  /** The number of names, also in the view "count"; null while it is not known. */
  readonly count: number | null;
  /** The number of the last change seen. Another epoch counts anew. */
  readonly seq: number | null;
  readonly epoch: string | null;

  /** Is this name, in canonical form, on the roster? */
  has(name: string): boolean;
  /** The status of a name; null if it is not on the roster. */
  statusOf(name: string): Status | null;
  /** The data of a name; an empty object if there are none. */
  dataOf(name: string): Data;

  /** The name that this client has in the room, or has asked for, also before a reload; or null. */
  readonly name: string | null;
  readonly status: Status;
  readonly data: Data;

  /** This client is `name` from now on; again: a rename, which leaves data and status. */
  login(name: string, profile?: Profile): Promise<void>;
  /** Not any more, and seen by others at once; goes on watching. */
  logout(): Promise<void>;
  set(profile: Profile): Promise<void>;
  view(view: View): Promise<void>;

  /** One more room on this connection; the same object if it is there already. */
  enter(room: string, options?: { view?: View }): Room;
  /** Out of this room. */
  exit(): void;
  /** Connects anew at once. */
  reconnect(): void;
  /** Logs out and disconnects, for good, from all rooms of the connection. */
  close(): void;

  /** Calls f(detail) on each event; returns a function that ends this. */
  on<E extends keyof Events>(event: E, f: (detail: Events[E]) => void): () => void;
}

export interface Options {
  /** The name of a room; otherwise the room is that of the address. */
  room?: string;
  /** "changes" unless said. */
  view?: View;
  /** Tells "hidden" and "active" as the page is hidden and seen. */
  autoStatus?: boolean;
  /** With autoStatus: tells "idle" after so many milliseconds without input. */
  idleAfter?: number;
  /** In place of the global one, which Node has from version 22 on. */
  WebSocket?: new (url: string, protocol?: string) => object;
}

/** Connects to `url`, or to the server that the module came from. */
export function connect(url?: string | URL, options?: Options): Room;

/** The form in which the server keeps nearly every name. */
export function canonical(name: string): string;
