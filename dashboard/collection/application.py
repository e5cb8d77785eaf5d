"""Collector of Pitwall's own metrics: users, commits, HTTP requests, and the apps' measures.

Reads the reports that every process writes once a second (`process.gauges`), so that several web
processes count as one application.

- `active_users`: users seen in the last minutes (`accounts.selectors.active_user_count`).
- `transactions_per_second`: units of work committed by all processes together.
- `response_time_ms`: mean duration of the HTTP requests of the last 60 s; no value if there were
  none, since nothing was measured.
- `error_rate`: percentage of the HTTP requests of the last 60 s that ended in a server error; 0 if
  there were no requests; no value if no process reports.
- The measures that apps declare (`realtime.process.gauges`), one series per set of tags.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from accounts.selectors import active_user_count
from dashboard.collection import reported
from dashboard.source_kinds import (
    Kind,
    MetricSpec,
    Readings,
    SourceFacts,
    TaggedName,
    register,
)
from realtime.process import gauges
from realtime.process.gauges import ProcessReading

WINDOW = 60.0
FORGET_AFTER = 600.0
_COUNTERS = ("commits", "http_requests", "http_errors", "http_seconds")
Counts = dict[str, float]

METRICS = (
    MetricSpec("active_users", "Active users", "business", "", 0),
    MetricSpec("transactions_per_second", "Transactions", "business", "/s"),
    MetricSpec("response_time_ms", "Response time", "business", "ms"),
    MetricSpec("error_rate", "Error rate", "business", "%", 2),
)


@dataclass
class _Process:
    """The last report of a process, and its time (epoch seconds, by the database's clock)."""

    seen_at: float
    counts: Counts
    commits_per_second: float | None = None


class ProcessCounters:
    """Follows the counters of all processes from snapshot to snapshot.

    A rate is computed between two reports of one process, by the reports' times: they come about
    once a second and not in step with the collector, so that dividing by the collector's own
    interval would show every other value doubled.
    """

    def __init__(self) -> None:
        self._known: dict[str, _Process] = {}
        self._read_at: float | None = None

    def update(self, processes: Sequence[ProcessReading], at: float) -> Counts:
        """Return the counters' growth since the last call; nothing on the first.

        A process that started since then counts from zero. One that merely was not known counts
        from now on, as otherwise its whole past would seem to have just happened.
        """
        growth = dict.fromkeys(_COUNTERS, 0.0)
        for reading in processes:
            started_at = reading.started_at.timestamp()
            before = self._known.get(reading.process_id)
            if before is None and self._read_at is not None and started_at >= self._read_at:
                before = _Process(started_at, dict.fromkeys(_COUNTERS, 0.0))
            after = _Process(
                reading.seen_at.timestamp(), {c: reading.values.get(c, 0.0) for c in _COUNTERS}
            )
            self._known[reading.process_id] = after
            if before is not None:
                for name in _COUNTERS:
                    growth[name] += max(0.0, after.counts[name] - before.counts[name])
                after.commits_per_second = _commit_rate(before, after)
        # A process that is silent for a moment is remembered until it is back.
        self._known = {
            name: known for name, known in self._known.items() if known.seen_at > at - FORGET_AFTER
        }
        self._read_at = at
        return growth

    def commits_per_second(self, processes: Sequence[ProcessReading]) -> float | None:
        """Return the rate of these processes together; None if none has a known rate."""
        known = (self._known.get(reading.process_id) for reading in processes)
        rates = [p.commits_per_second for p in known if p and p.commits_per_second is not None]
        return sum(rates) if rates else None


class ApplicationCollector:
    """Collects the module's metrics; `snapshot` and `active_users` read the database."""

    def __init__(
        self,
        workspace_id: int,
        snapshot: Callable[[], Sequence[ProcessReading]] = gauges.snapshot,
        active_users: Callable[[int], int] = active_user_count,
    ) -> None:
        self._workspace_id = workspace_id
        self._snapshot = snapshot
        self._active_users = active_users
        self._counters = ProcessCounters()
        self._measures = reported.ReportedMeasures(workspace_id)
        self._window: deque[tuple[float, Counts]] = deque()

    def collect(self, at: float) -> Readings:
        processes = self._snapshot()
        values: dict[str | TaggedName, float] = {
            "active_users": self._active_users(self._workspace_id)
        }
        self._window.append((at, self._counters.update(processes, at)))
        while self._window[0][0] <= at - WINDOW:
            self._window.popleft()
        commits = self._counters.commits_per_second(processes)
        if commits is not None:
            values["transactions_per_second"] = commits
        values |= self._http(bool(processes))
        values |= self._measures.read(processes, at)
        return values

    def _http(self, anyone_reports: bool) -> dict[str | TaggedName, float]:
        if not anyone_reports:
            return {}
        requests, errors, seconds = (
            sum(counts[name] for _, counts in self._window)
            for name in ("http_requests", "http_errors", "http_seconds")
        )
        if not requests:
            return {"error_rate": 0.0}
        return {
            "error_rate": min(100.0, 100 * errors / requests),
            "response_time_ms": 1000 * seconds / requests,
        }


def _commit_rate(before: _Process, after: _Process) -> float | None:
    elapsed = after.seen_at - before.seen_at
    if elapsed <= 0:  # the same report, read again
        return before.commits_per_second
    return max(0.0, after.counts["commits"] - before.counts["commits"]) / elapsed


def _make(facts: SourceFacts) -> ApplicationCollector:
    return ApplicationCollector(facts.workspace_id)


register(Kind("application", _("Pitwall itself"), METRICS, _make, occasional=reported.specs))
