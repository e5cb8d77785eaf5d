"""Benchmark of the memory of an idle connection, against peers.

    python -m benchmarks.memory
    python -m benchmarks.memory --smoke    # a moment, to see that it still runs

Measures the server process's resident memory before and after the sockets connect, once a first
batch has come and gone. Pitwall's sockets are authenticated and subscribed; the peers' sockets are
neither.
"""

from __future__ import annotations

import contextlib
import time
from dataclasses import replace

from benchmarks.support import client, command_line, contenders, node, processes
from benchmarks.support.client import Load
from benchmarks.support.contenders import Running
from benchmarks.support.pairs import Result, alternate, middle
from benchmarks.support.tables import table, verdict

KIB = 1024
PITWALL = "Pitwall, authenticated and subscribed"
TARGET = 32


def main() -> None:
    smoke = command_line.smoke(__doc__)
    sockets, rounds = (50, 1) if smoke else (2000, 3)
    starts = {
        PITWALL: lambda: contenders.pitwall(installation),
        "FastAPI on uvicorn": contenders.naive,
    }
    try:
        node.commands()
    except node.NoNodeError as error:
        print(f"Without the peers on Node.js: {error}")
    else:
        starts["ws (Node)"] = lambda: contenders.node_peer("ws")
        starts["Socket.IO (Node)"] = lambda: contenders.node_peer("socketio")

    def measured(name: str) -> Result:
        with starts[name]() as server:
            return cost(server, sockets)

    with contenders.installed(sockets) as installation:
        runs = {name: lambda name=name: measured(name) for name in starts}
        results = alternate(runs, rounds)
    rows = []
    for name, found in results.items():
        each = middle(found, lambda result: result["bytes"] / sockets / KIB)
        idle = middle(found, lambda result: result["before"] / KIB / KIB)
        target = verdict(each, at_most=TARGET) if name == PITWALL and not smoke else ""
        rows.append((name, each, idle, target))
    print(f"\n{sockets:,} idle sockets\n")
    print(table(("", "KiB a socket", "MiB before", "target"), rows))


def cost(server: Running, sockets: int) -> Result:
    """Return the growth of the server's memory from no sockets to `sockets`."""
    target = replace(server.target, control_port=None)
    few = Load(max(10, sockets // 10))
    with contextlib.suppress(RuntimeError):
        client.run(target, few)  # data loaded or cached on first use is not a cost of a socket
    time.sleep(0.5)
    before = processes.resident_bytes(server.process.pid)
    with client.connected(target, Load(sockets, hold=30)):
        time.sleep(1.5)
        after = processes.resident_bytes(server.process.pid)
    return {"before": before, "bytes": after - before}


if __name__ == "__main__":
    main()
