"""Benchmark of a commit with an event for each of many users: the time until the last has it.

    python -m benchmarks.wakeups            # with the in-memory layer, and with Redis
    python -m benchmarks.wakeups --smoke    # a moment, to see that it still runs

Every user has a socket on /ws/notifications/, which follows the user's own log stream: there are as
many groups of the channel layer as users. One commit is in flight at a time, measured from the
return of COMMIT to the arrival of its event at each user. With Redis, the commits are made in a
separate process, as a worker would make them. The baselines send the same messages with one
group_send per group, sequentially and 64 at a time (support/wakeups.py).
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from benchmarks.support import client, command_line, contenders, services
from benchmarks.support.client import Load
from benchmarks.support.contenders import Installation
from benchmarks.support.pairs import Result, alternate, middle, ratio
from benchmarks.support.tables import table, verdict

# Their names in support/wakeups.py.
WAYS = {
    "Pitwall": "together",
    "a group_send each": "one_by_one",
    "a group_send each, 64 at a time": "gathered",
}


def main() -> None:
    smoke = command_line.smoke(__doc__)
    counts, seconds, rounds = ((1, 20), 0.5, 1) if smoke else ((1, 100, 1000), 5.0, 3)
    with contenders.installed(max(counts)) as installation:
        compare("SQLite, in-memory layer", installation, counts, seconds, rounds)
    with (
        services.backing() as backing,
        contenders.installed(max(counts), services=backing) as installation,
    ):
        compare("PostgreSQL, Redis pub/sub", installation, counts, seconds, rounds)


def compare(
    title: str, installation: Installation, counts: tuple[int, ...], seconds: float, rounds: int
) -> None:
    """Alternate between all ways for each number of groups, and print the table."""
    rows: list[tuple[object, ...]] = []
    for groups in counts:
        load = Load(groups, "win:1", seconds)
        runs = {name: partial(tell, installation, load, way) for name, way in WAYS.items()}
        results = alternate(runs, rounds)
        for name, found in results.items():
            times = ratio(results, name, "Pitwall", last)
            target = "" if name == "Pitwall" or groups < 1000 else verdict(times, at_least=2)
            lost = sum(result["lost"] for result in found)
            rows.append(
                (groups, name, middle(found, median), middle(found, last), times, lost, target)
            )
    print(f"\n{title}: COMMIT → received, ms\n")
    print(table(("groups", "", "p50", "p99", "p99 × Pitwall", "missing", "target"), rows))


def tell(installation: Installation, load: Load, way: str) -> Result:
    """Commit repeatedly for all sockets of `load`, notifying in this way."""
    with contenders.pitwall(installation, groups=load.connections, way=way) as server:
        target = replace(
            server.target, path="/ws/notifications/", ready_mark='"initial_data"', messages=()
        )
        return client.run(target, load)


def median(result: Result) -> float:
    return float(result["kinds"][0]["p50_ms"])


def last(result: Result) -> float:
    """Return when 99 % had it: the very last one says more about the machine."""
    return float(result["kinds"][0]["p99_ms"])


if __name__ == "__main__":
    main()
