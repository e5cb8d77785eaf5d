"""Benchmark of fan-out: deliveries a second and delays, one tick to all subscribers, against peers.

    python -m benchmarks.fanout
    python -m benchmarks.fanout --smoke    # a moment, to see that it still runs

1. Saturation: 1,000 subscribers, ticks of 230 bytes, with one and with 64 ticks in flight. 2.
Punctuality: 2,000 subscribers at ten ticks a second. 3. Scaling: two web processes behind Redis
compared with one.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial

from benchmarks.support import client, command_line, contenders, services
from benchmarks.support.client import Load
from benchmarks.support.contenders import Installation, Running
from benchmarks.support.node import NoNodeError
from benchmarks.support.pairs import Result, Rounds, alternate, middle, ratio
from benchmarks.support.tables import table, verdict

PITWALL = "Pitwall"
NAIVE = "naive FastAPI loop"
TEXTBOOK = "Channels group_send"
WS = "ws (Node)"
SOCKET_IO = "Socket.IO (Node)"

ONE = "1 process"
TWO = "2 processes"

# A single load client saturates its core before Pitwall does, and would be the bottleneck.
LOAD_CLIENTS = 2
# Seconds. Ticks begin when the last load client has connected.
WARM_UP = 1.5


def main() -> None:
    smoke = command_line.smoke(__doc__)
    rounds = 1 if smoke else 5
    users = 50 if smoke else 1000
    with contextlib.ExitStack() as stack:
        installation = stack.enter_context(contenders.installed(users))
        servers = start_all(stack, installation)
        saturation(servers, subscribers=users, rounds=rounds, seconds=0.3 if smoke else 2)
        punctuality(servers, subscribers=users * 2, rounds=rounds, seconds=0.5 if smoke else 4)
    # Two sets of processes share the cores of one machine, so the ratio varies more between rounds.
    scaling(subscribers=users, rounds=1 if smoke else 9, seconds=0.3 if smoke else 3)


def start_all(stack: contextlib.ExitStack, installation: Installation) -> dict[str, Running]:
    """Start every contender. Those that need Node.js are skipped if there is none."""
    servers = {
        PITWALL: stack.enter_context(contenders.pitwall(installation)),
        NAIVE: stack.enter_context(contenders.naive()),
        TEXTBOOK: stack.enter_context(contenders.textbook(installation)),
    }
    try:
        servers[WS] = stack.enter_context(contenders.node_peer("ws"))
        servers[SOCKET_IO] = stack.enter_context(contenders.node_peer("socketio"))
    except NoNodeError as error:
        print(f"Without the peers on Node.js: {error}")
    return servers


def per_second(result: Result) -> float:
    return float(result["per_second"])


def p50(result: Result) -> float:
    return float(result["p50_ms"])


def p99(result: Result) -> float:
    return float(result["p99_ms"])


def saturation(
    servers: Mapping[str, Running], *, subscribers: int, rounds: int, seconds: float
) -> None:
    for width, target in ((1, 3.0), (64, 30.0)):
        load = Load(subscribers, f"win:{width}", seconds, WARM_UP, clients=LOAD_CLIENTS)
        results = alternate(loads(servers, load), rounds)
        targets = {PITWALL: verdict(ratio(results, PITWALL, NAIVE, per_second), at_least=target)}
        if SOCKET_IO in results:
            beside = ratio(results, PITWALL, SOCKET_IO, per_second)
            targets[SOCKET_IO] = f"Pitwall × {beside:.2f}: {verdict(beside, at_least=1.3)}"
        flight = "one tick" if width == 1 else f"{width} ticks"
        print(f"\n{subscribers:,} subscribers, 230 bytes, {flight} in flight\n")
        print(compared(results, targets))


def compared(results: Rounds, targets: Mapping[str, str]) -> str:
    """Return a row per contender: throughput, delay, and the ratio to the naive loop."""
    rows = [
        (
            name,
            middle(runs, per_second),
            ratio(results, name, NAIVE, per_second),
            middle(runs, p50),
            middle(runs, p99),
            targets.get(name, ""),
        )
        for name, runs in results.items()
    ]
    headings = ("", "deliveries/s", "× naive", "p50 ms", "p99 ms", "target")
    return table(headings, rows)


def punctuality(
    servers: Mapping[str, Running], *, subscribers: int, rounds: int, seconds: float
) -> None:
    load = Load(subscribers, "rate:10", seconds, WARM_UP, clients=LOAD_CLIENTS)
    # Channels' in-memory layer takes seconds per tick with so many: there is nothing to compare.
    chosen = {name: server for name, server in servers.items() if name != TEXTBOOK}
    results = alternate(loads(chosen, load), rounds)
    rows = []
    for name, runs in results.items():
        share = ratio(results, name, NAIVE, p99)
        target = verdict(share, at_most=0.4) if name == PITWALL else ""
        lost = sum(result["lost"] for result in runs)
        rows.append((name, middle(runs, p50), middle(runs, p99), share, lost, target))
    print(f"\n{subscribers:,} subscribers, 230 bytes, 10 ticks a second\n")
    print(table(("", "p50 ms", "p99 ms", "p99 / naive's", "lost", "target"), rows))


def scaling(*, subscribers: int, rounds: int, seconds: float) -> None:
    """Compare one and two processes behind Redis, each with the publisher in a separate process.

    With Pitwall's default number of send threads, one process may use the cores of two. The value
    of a second process shows with one thread in each.
    """
    with contextlib.ExitStack() as stack:
        backing = stack.enter_context(services.backing())
        installation = stack.enter_context(contenders.installed(subscribers, services=backing))
        print(f"\n{subscribers:,} subscribers, 230 bytes, publisher beside, Redis between\n")
        rows = []
        for threads in ("1", None):
            with one_and_two(installation, send_threads=threads) as servers:
                for width in (1, 64):
                    load = Load(subscribers, f"win:{width}", seconds, WARM_UP, clients=LOAD_CLIENTS)
                    results = alternate(loads(servers, load), rounds)
                    gain = ratio(results, TWO, ONE, per_second)
                    # With many ticks in flight, the cost is in the ticks: each process receives all
                    # of them.
                    judged = threads == "1" and width == 1
                    target = verdict(gain, at_least=1.7) if judged else ""
                    speeds = [middle(results[name], per_second) for name in servers]
                    rows.append((width, threads or "default", *speeds, gain, target))
        headings = ("in flight", "send threads", ONE, TWO, "2 / 1", "target")
        print(table(headings, rows))


@contextlib.contextmanager
def one_and_two(
    installation: Installation, *, send_threads: str | None
) -> Iterator[dict[str, Running]]:
    """Run Pitwall with one web process and with two, at the same time."""
    variables = {} if send_threads is None else {"PITWALL_SEND_THREADS": send_threads}
    chosen = replace(installation, environment={**installation.environment, **variables})
    with contenders.pitwall(chosen) as one, contenders.pitwall(chosen, number=2) as two:
        yield {ONE: one, TWO: two}


def loads(servers: Mapping[str, Running], load: Load) -> dict[str, Callable[[], Result]]:
    return {
        name: partial(client.run_divided, server.target, load) for name, server in servers.items()
    }


if __name__ == "__main__":
    main()
