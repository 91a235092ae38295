/**
 * A sink in a process of its own, because it may have to be in another network namespace: listens for connections and datagrams on one
 * address, answers fluentd's requests, and prints a line of JSON for its port and for everything that comes.
 */
import { createSocket } from "node:dgram";
import { createServer } from "node:net";

// It ends with whoever started it.
process.stdin.on("end", () => process.exit()).resume();

const print = (value: object) => process.stdout.write(`${JSON.stringify(value)}\n`);
const server = createServer((socket) => {
  socket.on("data", (data) => print({ stream: data.toString("base64") }));
  socket.on("error", () => undefined);
});
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  const port = typeof address === "object" && address ? address.port : 0;
  const datagrams = createSocket({ type: "udp4", recvBufferSize: 4 << 20 });
  datagrams.on("message", (message) => print({ datagram: message.toString("base64") }));
  datagrams.bind(port, "127.0.0.1", () => print({ port }));
});
