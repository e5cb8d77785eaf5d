"""Benchmark of storing samples and reading histories, against baselines.

    python -m benchmarks.ingest            # SQLite; with DATABASE_URL set, that server too
    python -m benchmarks.ingest --smoke    # a few seconds, to see that it still runs

Ingest: `storage.write` (samples, exact rollups, newest values; one transaction a batch) against
`Sample.save()` once per row, which keeps no rollups at all. History: `selectors.history` at 300
points against fetching the range's samples and bucketing them in Python. Uses its own database,
which is removed at the end.
"""

from __future__ import annotations

import argparse
import atexit
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import partial
from statistics import mean, median

if "PITWALL_DATA_DIR" not in os.environ:
    folder = tempfile.mkdtemp(prefix="pitwall-bench-")
    os.environ["PITWALL_DATA_DIR"] = folder
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "realtime_project.settings")

import django

django.setup()

from django.db import connection  # noqa: E402

from accounts.models import Workspace  # noqa: E402
from dashboard import selectors  # noqa: E402
from dashboard.models import Metric, Rollup, Sample, Series  # noqa: E402
from dashboard.samples import instants  # noqa: E402
from dashboard.services import storage  # noqa: E402
from realtime.auth import Principal  # noqa: E402
from tools.lifetimes import exit_on_signals, tied  # noqa: E402

POINTS = 300
NOW = 29_921_700 * instants.MINUTE


def main() -> None:
    exit_on_signals()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--smoke", action="store_true", help="small numbers: does it run at all")
    parser.add_argument("--here", action="store_true", help="only the database of DATABASE_URL")
    options = parser.parse_args()
    if os.environ.get("DATABASE_URL") and not options.here:
        on_sqlite = {k: v for k, v in os.environ.items() if k not in ("DATABASE_URL", "REDIS_URL")}
        command = [sys.executable, "-m", "benchmarks.ingest", *sys.argv[1:]]
        subprocess.run(tied(command, signal.SIGTERM), env=on_sqlite, check=True)
        print()
    measure(smoke=options.smoke)


def measure(*, smoke: bool) -> None:
    """Run all measurements in a separate database."""
    original = connection.settings_dict["NAME"]
    connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    try:
        print(f"{connection.vendor}, Python {sys.version.split()[0]}, Django {django.__version__}")
        ingest(rounds=3 if smoke else 50)
        history(days=1 if smoke else 30)
    finally:
        connection.creation.destroy_test_db(original, verbosity=0)


def ingest(rounds: int) -> None:
    workspace = Workspace.objects.create(slug="bench", name="Bench")
    series = make_series(workspace, 100)
    clock = ticks()
    write_all(workspace.pk, [[storage.Reading(series[0].pk, next(clock), 1.5)]])  # warm-up
    rows = [(one.pk, next(clock) + n) for n, one in enumerate(series * 2)]
    base = rate(len(rows), partial(save_each, rows))
    print(f"\n{'ingest':50}{'samples/s':>12}{'ratio':>8}")
    print(f"{'Sample.save() per row, no rollups':50}{base:12,.0f}{1:8.1f}")
    for name, width, depth in (
        ("a tick: 11 series × 1 sample", 11, 1),
        ("a tick: 100 series × 1 sample", 100, 1),
        ("a push: 1 series × 1,000 samples", 1, 1000),
        ("a backlog: 100 series × 60 samples", 100, 60),
    ):
        batches = []
        for _ in range(rounds):
            at = [next(clock) for _ in range(depth)]
            batches.append([storage.Reading(one.pk, t, 1.5) for one in series[:width] for t in at])
        speed = rate(rounds * width * depth, partial(write_all, workspace.pk, batches))
        print(f"{'storage.write, ' + name:50}{speed:12,.0f}{speed / base:8.1f}")


def history(days: int) -> None:
    workspace = Workspace.objects.create(slug="history", name="History")
    (series,) = make_series(workspace, 1, raw_hours=24)
    fill_samples(series, hours=24)
    fill_rollups(series, days)
    print(f"\n{'history at 300 points':50}{'ms':>12}{'ratio':>8}")
    naive = timed(partial(bucket_in_python, series, hours=24))
    print(f"{'24 h, all samples bucketed in Python':50}{naive:12.1f}{1:8.1f}")
    for name, hours in (("1 h of samples", 1), ("24 h of rollups", 24), ("all rollups", 24 * days)):
        took = timed(partial(ask, series, hours))
        label = f"selectors.history, {name} ({hours} h)"
        print(f"{label:50}{took:12.1f}{naive / took:8.1f}")


def make_series(workspace: Workspace, number: int, **fields: int) -> list[Series]:
    metrics = Metric.objects.bulk_create(
        Metric(workspace=workspace, name=f"metric_{n}", **fields) for n in range(number)
    )
    return Series.objects.bulk_create(Series(metric=m, tags_key=f"{m.pk}") for m in metrics)


def ticks() -> Iterator[int]:
    """Yield consecutive whole seconds, as collectors write them."""
    at = NOW
    while True:
        at += instants.SECOND
        yield at


def save_each(rows: list[tuple[int, int]]) -> None:
    for series_id, at in rows:
        Sample(series_id=series_id, at=at, value=1.5).save(force_insert=True)


def write_all(workspace_id: int, batches: list[list[storage.Reading]]) -> None:
    for readings in batches:
        storage.write(workspace_id=workspace_id, readings=readings)


def fill_samples(series: Series, hours: int) -> None:
    first = NOW - hours * instants.HOUR
    for minute in range(0, hours * 60, 60):
        start = first + minute * instants.MINUTE
        storage.write(
            workspace_id=series.metric.workspace_id,
            readings=[
                storage.Reading(series.pk, start + n * instants.SECOND, float(n % 97))
                for n in range(3600)
            ],
        )


def fill_rollups(series: Series, days: int) -> None:
    last = instants.minute_of(NOW) - 24 * 60
    Rollup.objects.bulk_create(
        (
            Rollup(
                series=series, minute=last - n, count=60, min=1, max=9, sum=300, last=5, last_at=0
            )
            for n in range(1, (days - 1) * 24 * 60)
        ),
        batch_size=1000,
    )


def ask(series: Series, hours: int) -> selectors.History:
    workspace = series.metric.workspace
    return selectors.history(
        Principal(0, "reader", False, workspace.pk, workspace.slug, "viewer"),
        name=series.metric.name,
        start=NOW - hours * instants.HOUR,
        end=NOW,
        points=POINTS,
    )


def bucket_in_python(series: Series, hours: int) -> list[tuple[float, float, float]]:
    width = hours * instants.HOUR // POINTS
    grouped = defaultdict(list)
    rows = Sample.objects.filter(series=series, at__gte=NOW - hours * instants.HOUR, at__lt=NOW)
    for at, value in rows.values_list("at", "value"):
        grouped[at // width].append(value)
    return [(mean(values), min(values), max(values)) for values in grouped.values()]


def rate(number: int, work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return number / (time.perf_counter() - began)


def timed(work: Callable[[], object], times: int = 7) -> float:
    """Return the median milliseconds of several runs, after one warm-up run."""
    work()
    return median(1000 / rate(1, work) for _ in range(times))


if __name__ == "__main__":
    main()
