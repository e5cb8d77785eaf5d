// The broadcast from the documentation of ws: https://github.com/websockets/ws#server-broadcast
import WebSocket, { WebSocketServer } from "ws";
import { publish, text } from "./publisher.mjs";

const port = Number(process.env.BENCH_PORT);
const server = new WebSocketServer({ host: "127.0.0.1", port, backlog: 2048 }, () =>
  console.log("ready"),
);

publish(Number(process.env.BENCH_CONTROL_PORT), (tick) => {
  const data = text(tick);
  server.clients.forEach((client) => {
    if (client.readyState === WebSocket.OPEN) client.send(data);
  });
});
