"""Benchmark of sockets that never read: their cost, and their effect on others.

    python -m benchmarks.slow
    python -m benchmarks.slow --smoke    # a moment, to see that it still runs

50 sockets never read and one does; a hundred ticks of about 8 KB a second fill every buffer within
a second. Then SIGTERM arrives while they still do not read. The naive loop, which awaits each send
in turn, is shown for comparison.
"""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import Any

from benchmarks.support import client, command_line, contenders, processes
from benchmarks.support.client import Load
from benchmarks.support.contenders import Running
from benchmarks.support.tables import table, verdict

MB = 1_000_000
EXTRA_METRICS = 230  # about 8 KB a tick
STOPS_WITHIN = 6.0  # seconds after which `serve` kills a web process that has not ended


def main() -> None:
    smoke = command_line.smoke(__doc__)
    slow, seconds = (5, 1.0) if smoke else (50, 8.0)
    with contenders.installed(slow + 1) as installation:
        with contenders.pitwall(installation, extra_metrics=EXTRA_METRICS) as server:
            ours = observe(server, Load(slow + 1, "rate:100", seconds, slow=slow))
            ours["stopped"] = stop_with_slow_ones(server, slow)
        with contenders.naive(tick_bytes=8000) as server:
            naive = observe(server, Load(slow + 1, "rate:100", seconds, slow=slow, grace=1))
    print(f"\n{slow} sockets that never read, one that does; 8 KB × 100 a second, {seconds:g} s\n")
    print(report(ours, naive, slow))


def report(ours: dict[str, Any], naive: dict[str, Any], slow: int) -> str:
    grown = [result["grown"] / slow / MB for result in (ours, naive)]
    delays = [result["kinds"][0]["p99_ms"] for result in (ours, naive)]
    received = [result["kinds"][0]["per_second"] for result in (ours, naive)]
    stopped = ours["stopped"]
    rows = [
        ("reader's p99, ms", *delays, verdict(delays[0], at_most=100)),
        ("reader's ticks a second", *received, verdict(received[0], at_least=95)),
        ("memory for each slow one, MB", *grown, verdict(grown[0], at_most=2)),
        (
            "SIGTERM to the end, s",
            "killed" if stopped is None else stopped,
            "not tried",
            verdict(STOPS_WITHIN * 2 if stopped is None else stopped, at_most=STOPS_WITHIN),
        ),
    ]
    return table(("", "Pitwall", "naive FastAPI loop", "target"), rows)


def observe(server: Running, load: Load) -> dict[str, Any]:
    """Run the load and watch the server's memory. Adds `grown`, its largest growth."""
    before = processes.resident_bytes(server.process.pid)
    largest, done = before, threading.Event()

    def watch() -> None:
        nonlocal largest
        while not done.wait(0.1):
            largest = max(largest, processes.resident_bytes(server.process.pid))

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        result = client.run(server.target, load)
    finally:
        done.set()
        watching.join()
    return {**result, "grown": largest - before}


def stop_with_slow_ones(server: Running, slow: int) -> float | None:
    """Fill the buffers of sockets that do not read, then SIGTERM. Seconds taken, None if killed."""
    load = Load(slow + 1, "rate:100", seconds=STOPS_WITHIN + 20, warm_up=0, slow=slow, grace=0.1)
    loading = threading.Thread(target=_until_it_ends, args=(server, load), daemon=True)
    loading.start()
    time.sleep(3)
    return processes.stop(server.process, within=STOPS_WITHIN * 2)


def _until_it_ends(server: Running, load: Load) -> None:
    with client.started(replace(server.target), load):
        server.process.wait()


if __name__ == "__main__":
    main()
