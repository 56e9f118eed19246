// The way into the network of a machine (machine.mjs), which this process keeps alive: a socket in
// the file system leads to the port of the machine's browser, whatever becomes of its network.
//
//     unshare --net node portal.mjs PATH PORT

import { connect, createServer } from "node:net";

const [path, port] = process.argv.slice(2);
const server = createServer((near) => {
  const far = connect(Number(port), "127.0.0.1");
  near.pipe(far).pipe(near);
  near.on("error", () => far.destroy());
  far.on("error", () => near.destroy());
});
server.listen(path, () => console.log("ready"));
process.stdin.on("end", () => process.exit()).resume(); // the suite has ended, however it did
