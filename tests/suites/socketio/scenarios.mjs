// What any client of Socket.IO must see of headcount. It imports nothing, so that a page can run it
// too; `io` is what the client under test calls so.

/** The official clients begin with long-polling and move to a WebSocket, unless they are told. */
export const WAYS = {
  "long-polling, then a WebSocket": {},
  "long-polling alone": { transports: ["polling"] },
  "a WebSocket alone": { transports: ["websocket"] },
};

const ALWAYS = { forceNew: true, reconnectionDelay: 50 };
const ONLY = { ...ALWAYS, transports: ["websocket"] };

function equal(actual, expected, what) {
  const [a, b] = [actual, expected].map((value) => JSON.stringify(value));
  if (a !== b) throw new Error(`${what}: ${a} is not ${b}`);
}

/** The arguments of the next `event`, or of the next for which `is` holds. */
function next(emitter, event, is = () => true) {
  return new Promise((resolve) => {
    emitter.on(event, function hear(...args) {
      if (!is(...args)) return;
      emitter.off(event, hear);
      resolve(args);
    });
  });
}

const shows = (socket, ...names) =>
  next(socket, "login", (list) => JSON.stringify(list) === JSON.stringify(names));

/** What the server answers to a login. */
const login = (socket, name) =>
  new Promise((resolve) => socket.emit("login", name, (error = null) => resolve(error)));

const plain = (escaped) =>
  escaped.replace(/&(lt|gt|amp|quot|apos|#39|#x27);/g, (_, name) => {
    return { lt: "<", gt: ">", amp: "&", quot: '"' }[name] ?? "'";
  });

/** All that happens on one roster. */
export async function roster(io, url, way) {
  const sockets = [];
  const open = async (path, ...names) => {
    const socket = io(url + path, { ...ALWAYS, ...way });
    sockets.push(socket);
    await shows(socket, ...names);
    return socket;
  };

  // On connect there is the list, and after each login the whole list again, for everyone.
  const ada = await open("");
  const han = await open("");
  let seen = [ada, han].map((socket) => shows(socket, "Ada"));
  ada.emit("login", "Ada");
  await Promise.all(seen);
  seen = [ada, han].map((socket) => shows(socket, "Ada", "韩梅梅"));
  equal(await login(han, "韩梅梅"), null, "the answer to a login");
  await Promise.all(seen);

  // A refusal is an event and, if one is asked for, an answer. The name before stays.
  for (const [name, code] of [
    ["", "name_empty"],
    ["x".repeat(200), "name_too_long"],
    ["a\u202Eb", "name_invalid"],
  ]) {
    const told = next(han, "error");
    const answer = await login(han, name);
    equal(answer.code, code, "the reason");
    equal(typeof answer.message, "string", "the reason in words");
    equal(await told, [answer], "the event");
  }

  // Another namespace is another room, with a login of its own, on the same connection or not.
  const custom = await open("/custom");
  const other = han.io.socket("/custom");
  await shows(other);
  seen = [custom, other].map((socket) => shows(socket, "Zoë"));
  equal(await login(custom, "Zoë"), null, "the answer in a namespace");
  await Promise.all(seen);
  seen = [custom, other].map((socket) => shows(socket, "Zoë", "梅梅"));
  equal(await login(other, "梅梅"), null, "the answer in one more namespace");
  await Promise.all(seen);

  // Whoever logs out, or is gone, is off the list.
  seen = [ada, han].map((socket) => shows(socket, "韩梅梅"));
  ada.emit("logout");
  await Promise.all(seen);
  seen = [shows(other, "梅梅")];
  custom.disconnect();
  await Promise.all(seen);

  // A name is no HTML.
  const name = `<b>"Tom" & 'Jerry'</b>`;
  const listed = next(han, "login", (list) => list.length === 2);
  equal(await login(ada, name), null, "the answer to a name with markup");
  const [[first]] = await listed;
  equal(/[<>"']/.test(first), false, "markup in the list");
  equal(plain(first), name, "the name, read as HTML");

  const isEmpty = next(han, "login", (list) => list.length === 1);
  ada.disconnect();
  await isEmpty;
  for (const socket of [...sockets, other]) socket.disconnect();
}

/** A server that goes away and comes back, when `kill` and `revive` are called. */
export async function reconnect(io, url, { kill, revive }, way) {
  const socket = io(url, { ...ALWAYS, ...way });
  const attempts = [];
  socket.io.on("reconnect_attempt", (n) => attempts.push(n));
  socket.on("connect", () => socket.emit("login", "Ada"));
  await shows(socket, "Ada");
  const lost = next(socket, "disconnect");
  const refused = next(socket, "connect_error");
  const back = next(socket.io, "reconnect");
  const listed = Promise.all([lost, back]).then(() => shows(socket, "Ada"));
  await kill();
  const [reason] = await lost;
  equal(["transport close", "transport error"].includes(reason), true, reason);
  await refused;
  await revive();
  equal((await back)[0], attempts.length, "the attempt that succeeded");
  await listed;
  socket.disconnect();
}

/** What is different in the protocol of versions 1 and 2. Of rooms there is `/custom` alone. */
export async function v4(io, url, way) {
  const socket = io(url, { ...ALWAYS, ...way });
  const room = io(`${url}/custom?token=x`, { ...ALWAYS, ...way });
  await Promise.all([shows(socket), shows(room)]);
  const answer = (...sent) => new Promise((resolve) => room.emit(...sent, resolve));
  equal(await answer("login", "Ada"), null, "the answer in a namespace that has a query");

  // Bytes come whole, in whichever form the client sends them: the answer waits for them.
  const bytes = new Uint8Array([1, 2, 253, 254, 255]);
  equal((await answer("x", bytes.buffer, [bytes.buffer])).code, "event_unknown", "the answer");

  // The client asks whether the server is there, and goes on to do so.
  for (let pongs = 0; pongs < 5; pongs++) await next(socket, "pong");
  equal([socket.connected, room.connected], [true, true], "whether they are there");

  const secret = socket.io.socket("/secret");
  const refused = next(secret, "error");
  secret.connect();
  equal(typeof (await refused)[0], "string", "the refusal of a namespace");
  for (const one of [socket, room]) one.disconnect();
}

/** A server that lets no page of this origin in. */
export async function refused(io, url, way) {
  const socket = io(url, { ...ALWAYS, ...way, reconnection: false });
  const [error] = await next(socket, "connect_error");
  equal(error.message, "xhr poll error", "the failure");
}

/** What came back of a payload, without the id that the served client puts into it. */
const own = (list) => list.map(({ client, ...auth }) => auth);

/** The application of the official conformance suite: payloads, echoes, answers, binary data. */
export async function suite(io, url) {
  const bytes = (...list) => new Uint8Array(list);
  const listOf = (value) => [...new Uint8Array(value)];
  for (const path of ["", "/custom"]) {
    const auth = { token: "123", n: [1] };
    const socket = io(url + path, { ...ONLY, auth });
    equal(own(await next(socket, "auth")), [auth], "the payload");
    socket.disconnect();
  }
  const socket = io(url, ONLY);
  equal(own(await next(socket, "auth")), [{}], "no payload");

  const args = [1, "2", { 3: [true, null] }, "中 🦊 <&>"];
  let back = next(socket, "message-back");
  socket.emit("message", ...args);
  equal(await back, args, "the echo");

  back = next(socket, "message-back");
  socket.emit("message", bytes(1, 2, 3), { deep: [bytes(4)] });
  const [first, { deep }] = await back;
  equal([first, deep[0]].map(listOf), [[1, 2, 3], [4]], "the echo of bytes");

  const answer = (...sent) =>
    new Promise((resolve) => socket.emit("message-with-ack", ...sent, (...got) => resolve(got)));
  equal(await answer(...args), args, "the answer");
  const [text, data] = await answer("a", bytes(5, 6));
  equal([text, listOf(data)], ["a", [5, 6]], "the answer of bytes");

  const unknown = socket.io.socket("/random");
  unknown.connect();
  const [error] = await next(unknown, "connect_error");
  equal(error.message, "Invalid namespace", "the refusal of a namespace");
  equal(await answer(1), [1], "the answer after a refusal");
  socket.disconnect();
}
