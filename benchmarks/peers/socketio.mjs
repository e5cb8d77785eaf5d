// Socket.IO's io.emit to everybody: https://socket.io/docs/v4/broadcasting-events/
import { createServer } from "node:http";
import { Server } from "socket.io";
import { publish, text } from "./publisher.mjs";

const http = createServer();
const io = new Server(http, { transports: ["websocket"] });

publish(Number(process.env.BENCH_CONTROL_PORT), (tick) => {
  // As long on the wire as the other contenders' ticks: the padding accounts for 42["tick",…].
  tick.pad = "x".repeat(Math.max(0, text(tick).length - JSON.stringify(tick).length - 11));
  io.emit("tick", tick);
});
http.listen({ host: "127.0.0.1", port: Number(process.env.BENCH_PORT), backlog: 2048 }, () =>
  console.log("ready"),
);
