// Clients of headcount.js in Node: so many in a room, each with a connection of its own. Prints, at
// each change, how many of them list Zoe.
//
//     node --experimental-websocket clients.mjs URL ROOM COUNT

import { connect } from "../../../www/headcount.js";

const [url, room, count] = process.argv.slice(2);
const rooms = Array.from({ length: Number(count) }, (_, i) => {
  const client = connect(url, { room });
  client.login(`node ${i}`);
  for (const event of ["roster", "change"]) client.on(event, tell);
  return client;
});

let told;
function tell() {
  const seeing = rooms.filter((client) => client.has("Zoe")).length;
  if (seeing !== told) console.log((told = seeing));
}
