"""Samples pushed by programs: stored all or none by default, refused by index."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db.models import Q

from accounts.policy import Action, allowed, require
from dashboard.models import DEFAULT_RAW_HOURS, Metric, Series
from dashboard.samples import decimals, instants, tags
from dashboard.services import storage
from dashboard.services.catalogue import make_missing, widen_decimals
from realtime.auth import Principal
from realtime.errors import FieldErrors, InvalidCommand
from realtime.streams.unit_of_work import unit_of_work

MAX_METRICS = 500
MAX_SERIES = 5000

SampleErrors = Mapping[int, Mapping[str, Any]]


@dataclass(frozen=True)
class PushedSample:
    """A well-formed sample: `at` in microseconds since the epoch."""

    metric: str
    value: float
    at: int
    tags: Mapping[str, str]

    @property
    def series(self) -> tuple[str, str]:
        return self.metric, tags.key(self.tags)


@dataclass(frozen=True)
class Pushed:
    """The number of accepted samples, and the errors of the others by index."""

    accepted: int
    errors: SampleErrors


class SamplesRefused(InvalidCommand):
    """No sample was stored; `errors` has the reasons by index and field."""

    def __init__(self, errors: SampleErrors) -> None:
        super().__init__("Nothing was stored: some samples are not valid.")
        self.errors: Any = {str(index): errors[index] for index in sorted(errors)}


def push_samples(
    *,
    principal: Principal,
    samples: Mapping[int, PushedSample],
    malformed: SampleErrors,
    partial: bool,
    now: int,
) -> Pushed:
    """Store a program's samples in its workspace.

    A metric that does not exist is created, in group custom. Samples without tags are refused for
    a metric that a source of this installation measures: with tags they get their own series
    beside it. For a metric that is only simulated they take over its live value.

    Args:
        samples: the well-formed samples by their index in the batch.
        malformed: the errors of the others.
        partial: store the valid samples even if others are refused.
        now: microseconds since the epoch.

    Raises:
        PermissionDenied: the principal's role may not push samples.
        SamplesRefused: all samples are invalid, or some are and `partial` is false.
    """
    require(principal, Action.PUSH_SAMPLES)
    with unit_of_work():
        intake = _Intake(principal, samples.values(), now)
        refused = {index: why for index, s in samples.items() if (why := intake.refusal(s))}
        errors = {**malformed, **refused}
        good = {index: sample for index, sample in samples.items() if index not in refused}
        if errors and (not partial or not good):
            raise SamplesRefused(errors)
        needed = _decimals_needed(good.values())
        series = _ensure_series(principal, good.values(), needed)
        widen_decimals(principal.workspace_id, intake.too_narrow(needed))
        storage.write(
            workspace_id=principal.workspace_id,
            readings=[
                storage.Reading(series[sample.series], sample.at, sample.value)
                for _, sample in sorted(good.items())
            ],
        )
    return Pushed(accepted=len(good), errors=errors)


class _Intake:
    """Decides on each sample of a batch, by the workspace's existing metrics and series."""

    def __init__(self, principal: Principal, samples: Iterable[PushedSample], now: int) -> None:
        workspace_id = principal.workspace_id
        self._now = now
        self._metrics = {m.name: m for m in Metric.objects.filter(workspace_id=workspace_id)}
        self._room_for_metrics = MAX_METRICS - len(self._metrics)
        in_workspace = Series.objects.filter(metric__workspace_id=workspace_id)
        self._room_for_series = MAX_SERIES - in_workspace.count()
        self._own = _Quota.of(principal)
        wanted = list(samples)
        keys = {sample.series[1] for sample in wanted}
        relevant = in_workspace.filter(Q(tags_key__in=keys) | Q(source__isnull=False))
        rows = relevant.filter(metric__name__in={s.metric for s in wanted}).values_list(
            "metric__name", "tags_key", "source_id", "simulated"
        )
        self._series = {(name, key) for name, key, _, _ in rows}
        self._of_sources = {(name, key) for name, key, source, _ in rows if source}
        self._measured = {name for name, _, source, made_up in rows if source and not made_up}

    def refusal(self, sample: PushedSample) -> FieldErrors | None:
        """Return why the sample is refused; None accepts it, and counts its metric and series."""
        metric = self._metrics.get(sample.metric)
        hours = metric.raw_hours if metric else DEFAULT_RAW_HOURS
        # A little less than the retention: samples about to be removed are not written any more.
        oldest = self._now - hours * instants.HOUR + 5 * instants.MINUTE
        if sample.at < max(oldest, metric.raw_from if metric else 0):
            return _error("timestamp", f"Too old: samples are kept for {hours} h.")
        untagged_beside_source = not sample.tags and sample.metric in self._measured
        if sample.series in self._of_sources or untagged_beside_source:
            return _error("metric", "A source measures this: give tags for your own series.")
        if metric is None:
            if self._room_for_metrics <= 0:
                return _error("metric", f"A workspace has at most {MAX_METRICS} metrics.")
            if self._own.metrics <= 0:
                return _error("metric", _Quota.reason("metrics"))
            self._room_for_metrics -= 1
            self._own.metrics -= 1
            self._metrics[sample.metric] = Metric(name=sample.metric)
        if sample.series not in self._series:
            if self._room_for_series <= 0:
                return _error("tags", f"A workspace has at most {MAX_SERIES} series.")
            if self._own.series <= 0:
                return _error("tags", _Quota.reason("series"))
            self._room_for_series -= 1
            self._own.series -= 1
            self._series.add(sample.series)
        return None

    def too_narrow(self, needed: Mapping[str, int]) -> dict[str, int]:
        """Those metrics, with the decimals they need, that were there and have fewer."""
        return {
            name: most
            for name, most in needed.items()
            if (metric := self._metrics[name]).pk is not None
            and not metric.decimals_stated
            and metric.decimals < most
        }


def _decimals_needed(samples: Iterable[PushedSample]) -> dict[str, int]:
    """How many decimals the values of each metric need."""
    values: dict[str, set[float]] = defaultdict(set)
    for sample in samples:
        values[sample.metric].add(sample.value)
    return {name: decimals.needed(of_it) for name, of_it in values.items()}


@dataclass
class _Quota:
    """The numbers of metrics and series that one member may still create."""

    metrics: int = MAX_METRICS
    series: int = MAX_SERIES

    @classmethod
    def of(cls, principal: Principal) -> _Quota:
        if allowed(principal.role, Action.MANAGE_METRICS):
            return cls()
        mine = {"created_by_id": principal.user_id}
        metrics = Metric.objects.filter(workspace_id=principal.workspace_id, **mine)
        series = Series.objects.filter(metric__workspace_id=principal.workspace_id, **mine)
        return cls(
            settings.QUOTAS["metrics"] - metrics.count(), settings.QUOTAS["series"] - series.count()
        )

    @staticmethod
    def reason(what: str) -> str:
        return (
            f"A member may create at most {settings.QUOTAS[what]} {what}: "
            "ask an admin of the workspace."
        )


def _error(field: str, message: str) -> FieldErrors:
    return {field: [message]}


def _ensure_series(
    principal: Principal, samples: Iterable[PushedSample], decimals_of: Mapping[str, int]
) -> dict[tuple[str, str], int]:
    """Return the series ids of these samples by (metric name, tags key); creates missing ones."""
    workspace_id, by = principal.workspace_id, principal.user_id
    wanted = {sample.series: sample for sample in samples}
    names = {name for name, _ in wanted}
    make_missing(
        workspace_id,
        [
            Metric(
                workspace_id=workspace_id,
                name=name,
                decimals=decimals_of[name],
                created_by_id=by,
            )
            for name in sorted(names)
        ],
    )
    metrics = dict(
        Metric.objects.filter(workspace_id=workspace_id, name__in=names).values_list("name", "id")
    )
    Series.objects.bulk_create(
        [
            Series(metric_id=metrics[name], tags=dict(sample.tags), tags_key=key, created_by_id=by)
            for (name, key), sample in wanted.items()
        ],
        ignore_conflicts=True,
    )
    rows = Series.objects.filter(
        metric_id__in=metrics.values(), tags_key__in={key for _, key in wanted}
    ).values_list("metric__name", "tags_key", "id")
    return {(name, key): series_id for name, key, series_id in rows}
