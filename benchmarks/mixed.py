"""Benchmark of chat, ticks and pushes together: delays, and whether everything arrives.

    python -m benchmarks.mixed
    python -m benchmarks.mixed --smoke    # a moment, to see that it still runs

500 sockets, each with one of eight selections of 24 metrics, one of twenty rooms, and its own user;
ten rounds a second of one tick, five messages and twenty pushes (support/mixture.py). Pitwall
commits every message to its log stream before it delivers it; the peers store nothing.
"""

from __future__ import annotations

import contextlib
from dataclasses import replace
from functools import partial

from benchmarks.support import client, command_line, contenders, mixture
from benchmarks.support.client import Load
from benchmarks.support.pairs import Result, alternate, middle
from benchmarks.support.tables import table

KINDS = {mixture.TICK: "ticks", mixture.MESSAGE: "messages", mixture.PUSH: "pushes"}


def main() -> None:
    smoke = command_line.smoke(__doc__)
    followers, rounds, seconds = (40, 1, 1.0) if smoke else (500, 3, 5.0)
    load = Load(followers, f"rate:{mixture.ROUNDS_A_SECOND}", seconds, warm_up=1)
    first = mixture.first_messages(followers)
    with contextlib.ExitStack() as stack:
        installation = stack.enter_context(contenders.installed(followers))
        servers = {
            "Pitwall": contenders.pitwall(installation, mixed_followers=followers),
            "naive FastAPI": contenders.naive("naive_mixed", mixed_followers=followers),
            "Channels group_send": contenders.textbook(
                installation, "textbook_mixed", mixed_followers=followers
            ),
        }
        runs = {}
        for name, server in servers.items():
            target = stack.enter_context(server).target
            path = "/ws/mixed/" if name == "Pitwall" else target.path
            target = replace(target, path=path, messages=first, ready_mark="subscription_confirmed")
            runs[name] = partial(client.run, target, load)
        results = alternate(runs, rounds)
    rows = [
        (f"{name}: {KINDS[kind]}", *row(found, kind, followers))
        for name, found in results.items()
        for kind in KINDS
    ]
    print(f"\n{followers:,} sockets, {mixture.ROUNDS_A_SECOND} rounds a second\n")
    print(table(("", "a second", "p50 ms", "p99 ms", "missing"), rows))


def row(results: list[Result], kind: int, followers: int) -> tuple[object, ...]:
    """Return deliveries a second, delays, and the number of deliveries that did not arrive."""
    missing = sum(
        mixture.expected(result["published"], followers)[kind] - result["kinds"][kind]["total"]
        for result in results
    )
    values = [
        middle(results, lambda result, name=name: float(result["kinds"][kind][name]))
        for name in ("per_second", "p50_ms", "p99_ms")
    ]
    return (*values, missing)


if __name__ == "__main__":
    main()
