"""Serializers and response documents of metrics/ and samples/; docs: REST API."""

from __future__ import annotations

import json
import math
from typing import Any

from drf_spectacular.utils import extend_schema_field
from msgspec import UNSET, Struct, UnsetType
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError

from dashboard.models import Metric, Series, metric_name
from dashboard.protocol import MAX_NAME_LENGTH
from dashboard.samples import instants, ranges, tags
from dashboard.selectors import History, MetricState
from dashboard.services import PushedSample
from dashboard.services.storage import LARGEST
from realtime.errors import InvalidCommand
from realtime.http.bodies import StrictSerializer
from realtime.protocol import rfc3339

MAX_SAMPLES = 1000
# Clocks differ a little; a sample further in the future comes from a wrong clock.
AHEAD = 60 * instants.SECOND


@extend_schema_field({"type": "number"})
class NumberField(serializers.Field[float, Any, float, Any]):
    """A finite JSON number; refuses strings and booleans."""

    def to_internal_value(self, data: Any) -> float:
        if isinstance(data, bool) or not isinstance(data, int | float):
            raise ValidationError("A number is required.")
        try:
            value = float(data)
        except OverflowError:
            value = math.inf
        if not math.isfinite(value) or abs(value) > LARGEST:
            raise ValidationError("The number is out of range.")
        return value

    def to_representation(self, value: float) -> float:
        return value


@extend_schema_field({"oneOf": [{"type": "string", "format": "date-time"}, {"type": "number"}]})
class InstantField(serializers.Field[int, Any, str, Any]):
    """A time: RFC 3339 with an offset or epoch seconds, read as microseconds since the epoch."""

    def to_internal_value(self, data: Any) -> int:
        try:
            return instants.parse(data)
        except ValueError as error:
            raise ValidationError(str(error)) from None

    def to_representation(self, value: int) -> str:
        return instants.rfc3339(value)


@extend_schema_field({"type": "object", "additionalProperties": {"type": "string"}})
class TagsField(serializers.Field[dict[str, str], Any, dict[str, str], Any]):
    def to_internal_value(self, data: Any) -> dict[str, str]:
        try:
            return tags.check(data)
        except ValueError as error:
            raise ValidationError(str(error)) from None

    def to_representation(self, value: dict[str, str]) -> dict[str, str]:
        return value


class MetricNameField(serializers.CharField):
    """A string field that refuses numbers."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            raise ValidationError("A text is required.")
        return str(super().to_internal_value(data))


class SampleSerializer(StrictSerializer):
    """One sample of a batch; its time defaults to `context["now"]`, in microseconds.

    Strict, as a sample with a misspelt `timestamp` would otherwise silently be stored as of now.
    """

    metric = MetricNameField(max_length=MAX_NAME_LENGTH, validators=[metric_name])
    value = NumberField()
    timestamp = InstantField(required=False)
    tags = TagsField(required=False)

    def to_internal_value(self, data: Any) -> PushedSample:
        values = super().to_internal_value(data)
        now = self.context["now"]
        at = values.get("timestamp", now)
        if at > now + AHEAD:
            raise ValidationError({"timestamp": ["More than a minute in the future."]})
        return PushedSample(values["metric"], values["value"], at, values.get("tags", {}))


class BatchSerializer(serializers.Serializer[Any]):
    """The body of POST samples/; the samples themselves are checked one by one later."""

    samples = serializers.ListField(
        child=serializers.JSONField(allow_null=True), allow_empty=False, max_length=MAX_SAMPLES
    )


def read_samples(
    raw: list[Any], now: int
) -> tuple[dict[int, PushedSample], dict[int, dict[str, Any]]]:
    """Return the well-formed samples of a batch, and the errors of the others, both by index."""
    serializer = SampleSerializer(context={"now": now})
    samples: dict[int, PushedSample] = {}
    errors: dict[int, dict[str, Any]] = {}
    for index, sample in enumerate(raw):
        try:
            samples[index] = serializer.run_validation(sample)
        except ValidationError as error:
            errors[index] = _by_field(error.detail)
    return samples, errors


class HistoryQuerySerializer(serializers.Serializer[Any]):
    """The query string of metrics/{name}/history/; `tags` is a JSON object."""

    hours = serializers.FloatField(required=False)
    start = serializers.CharField(required=False)
    end = serializers.CharField(required=False)
    points = serializers.IntegerField(required=False)
    tags = serializers.CharField(required=False, max_length=2000)

    def validate_tags(self, value: str) -> dict[str, str]:
        try:
            return tags.check(json.loads(value))
        except (ValueError, RecursionError):
            raise ValidationError('A JSON object of names and texts: {"room": "lab"}.') from None

    def range(self, now: int) -> ranges.Range:
        """Return the requested range, at `now` (microseconds).

        Raises:
            ValidationError: the range is invalid; the errors are by field.
        """
        asked = self.validated_data
        try:
            return ranges.resolve(
                hours=asked.get("hours"),
                start=_written(asked.get("start")),
                end=_written(asked.get("end")),
                points=asked.get("points"),
                now=now,
            )
        except InvalidCommand as error:
            raise ValidationError(error.errors) from None


class LatestView(Struct, kw_only=True):
    """The newest value of a metric, and when it was taken."""

    value: float
    timestamp: str


class MetricView(Struct, kw_only=True):
    """A metric; `simulated`: its values are made up by the metrics simulator."""

    name: str
    title: str
    group: str
    unit: str
    decimals: int
    simulated: bool
    latest: LatestView | None


class SeriesView(Struct, kw_only=True):
    """A series of a metric; `created_by`: the user whose program pushed it; null: a source."""

    id: int
    tags: dict[str, str]
    source: str | None
    simulated: bool
    created_by: str | None
    created_at: str


class BucketView(Struct, kw_only=True):
    """The aggregate of the bucket of samples that starts at `timestamp`; `value` is the mean."""

    timestamp: str
    value: float
    min: float
    max: float
    count: int


class HistoryView(Struct, kw_only=True):
    """A metric over a range; `resolution` is the length of a bucket in seconds."""

    metric: str
    unit: str
    simulated: bool
    resolution: float
    data: list[BucketView]


class Accepted(Struct, kw_only=True):
    """The number of stored samples; `errors` has the reasons for the others, by index."""

    accepted: int
    errors: dict[str, Any] | UnsetType = UNSET


class SamplesBody(serializers.Serializer[Any]):
    """The body of POST samples/ as documented; BatchSerializer does not check the samples."""

    samples = SampleSerializer(many=True)


def metric_document(state: MetricState) -> dict[str, Any]:
    """Return one entry of metrics/."""
    metric: Metric = state.metric
    latest = state.latest
    return {
        "name": metric.name,
        "title": metric.display_title,
        "group": metric.group,
        "unit": metric.unit,
        "decimals": metric.decimals,
        "simulated": state.simulated,
        "latest": latest and {"value": latest.value, "timestamp": instants.rfc3339(latest.at)},
    }


def series_document(series: Series) -> dict[str, Any]:
    """Return one entry of metrics/{name}/series/."""
    return {
        "id": series.pk,
        "tags": series.tags,
        "source": series.source and series.source.name,
        "simulated": series.simulated,
        "created_by": series.created_by and series.created_by.username,
        "created_at": rfc3339(series.created_at),
    }


def history_document(history: History) -> dict[str, Any]:
    """Return the response of metrics/{name}/history/."""
    return {
        "metric": history.metric.name,
        "unit": history.metric.unit,
        "simulated": history.simulated,
        "resolution": history.resolution,
        "data": [
            {
                "timestamp": instants.rfc3339(bucket.at),
                "value": bucket.value,
                "min": bucket.min,
                "max": bucket.max,
                "count": bucket.count,
            }
            for bucket in history.buckets
        ],
    }


def _written(text: str | None) -> str | float | None:
    """Read a time of a query string: epoch seconds arrive as text, a `+` as a space."""
    if text is None:
        return None
    try:
        return float(text)
    except ValueError:
        return text.strip().replace(" ", "+") if "T" in text else text


def _by_field(detail: Any) -> dict[str, Any]:
    if isinstance(detail, dict):
        return {str(field): reasons for field, reasons in detail.items()}
    reasons: list[ErrorDetail] = detail if isinstance(detail, list) else [detail]
    return {"non_field_errors": reasons}
