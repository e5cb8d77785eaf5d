// Publishes ticks on the load client's commands: support/publisher.py, in JavaScript.
import dgram from "node:dgram";
import { performance } from "node:perf_hooks";

const BYTES = 230;

export function text(tick) {
  const bare = JSON.stringify(tick);
  return bare.slice(0, -2) + "x".repeat(Math.max(0, BYTES - bare.length)) + bare.slice(-2);
}

export function publish(port, send) {
  const socket = dgram.createSocket("udp4");
  let published = 0;
  // The newest tick that each load client has acknowledged, by its port.
  const acknowledged = new Map();
  let width = 0;
  let timer = null;
  let clock = 0;

  const one = () => {
    const t = (clock + performance.now()) / 1000;
    send({ type: "tick", q: published++, t: Number(t.toFixed(6)), pad: "" });
  };
  const fill = () => {
    while (width && published - Math.min(...acknowledged.values()) <= width) one();
  };
  const stop = () => {
    clearTimeout(timer);
    width = 0;
  };
  const atRate = (interval) => {
    let due = performance.now();
    const next = () => {
      one();
      due = Math.max(due + interval, performance.now() - 1000);
      timer = setTimeout(next, due - performance.now());
    };
    next();
  };

  socket.on("message", (data, from) => {
    const [command, argument, clients] = data.toString().split(" ");
    if (command === "S") {
      acknowledged.set(from.port, -1);
      if (acknowledged.size !== Number(clients)) return;
      stop();
      published = 0;
      clock = Date.now() - performance.now();
      const [kind, amount] = argument.split(":");
      if (kind === "rate") {
        atRate(1000 / Number(amount));
      } else {
        width = Number(amount);
        fill();
      }
    } else if (command === "A") {
      if (!acknowledged.has(from.port)) return; // late, after a stop
      acknowledged.set(from.port, Math.max(acknowledged.get(from.port), Number(argument)));
      fill();
    } else if (command === "X") {
      stop();
      acknowledged.clear();
      socket.send(`D ${published}`, from.port, from.address);
    }
  });
  socket.bind(port, "127.0.0.1");
}
