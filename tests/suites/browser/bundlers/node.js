// The same for Node, which has no page to find a server by.

import { connect } from "../../../../www/headcount.js";
import WebSocket from "ws";

const [url, name] = process.argv.slice(2);
const room = connect(url, { WebSocket });
room.on("change", () => {
  if (!room.has(name)) return;
  room.close();
  console.log(`${name} is here`);
});
room.login(name);

try {
  connect();
} catch (error) {
  console.log(error.message);
}
