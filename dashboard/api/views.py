"""Views of metrics, their history, and the endpoint for pushed samples."""

from __future__ import annotations

import time

from drf_spectacular.utils import OpenApiExample, OpenApiParameter
from rest_framework.response import Response

from accounts.api.base import WorkspaceAPIView
from accounts.login.requests import WorkspaceRequest
from dashboard import selectors, services
from dashboard.api.serializers import (
    Accepted,
    BatchSerializer,
    HistoryQuerySerializer,
    HistoryView,
    MetricView,
    SamplesBody,
    SeriesView,
    history_document,
    metric_document,
    read_samples,
    series_document,
)
from dashboard.samples import instants
from realtime.errors import NotFound
from realtime.http.bodies import MAX_ID
from realtime.http.openapi import operation

PARTIAL = OpenApiParameter(
    "partial",
    str,
    enum=["0", "1", "false", "true"],
    description="1: store the valid samples even if others are not.",
)
SAMPLES = OpenApiExample(
    "Two rooms",
    value={
        "samples": [
            {"metric": "temperature", "value": 21.4, "tags": {"room": "lab"}},
            {"metric": "temperature", "value": 19.0, "tags": {"room": "hall"}},
        ]
    },
    request_only=True,
)


def _now() -> int:
    return int(time.time() * instants.SECOND)


class MetricListView(WorkspaceAPIView):
    """GET: all metrics of the workspace with their newest values."""

    @operation(
        "list_metrics", "All metrics, with their newest values", answers={200: list[MetricView]}
    )
    def get(self, request: WorkspaceRequest) -> Response:
        states = selectors.metric_states(request.principal)
        return Response([metric_document(state) for state in states])


class MetricDetailView(WorkspaceAPIView):
    """DELETE: a metric with all its series, by those who manage metrics."""

    @operation("delete_metric", "Delete a metric and its samples", answers={204: None})
    def delete(self, request: WorkspaceRequest, name: str) -> Response:
        services.delete_metric(principal=request.principal, name=_checked(name))
        return Response(status=204)


class SeriesListView(WorkspaceAPIView):
    """GET: the series of a metric, and who created each."""

    @operation("list_series", "The series of a metric", answers={200: list[SeriesView]})
    def get(self, request: WorkspaceRequest, name: str) -> Response:
        found = selectors.series_of(request.principal, _checked(name))
        return Response([series_document(series) for series in found])


class SeriesDetailView(WorkspaceAPIView):
    """DELETE: one series of a metric, by those who manage metrics."""

    @operation("delete_series", "Delete a series and its samples", answers={204: None})
    def delete(self, request: WorkspaceRequest, name: str, series_id: int) -> Response:
        if series_id > MAX_ID:
            raise NotFound("There is no such series.")
        services.delete_series(
            principal=request.principal, name=_checked(name), series_id=series_id
        )
        return Response(status=204)


def _checked(name: str) -> str:
    # No column holds U+0000: the database would refuse the query.
    if "\0" in name:
        raise NotFound("No such metric.")
    return name


class MetricHistoryView(WorkspaceAPIView):
    """GET: one metric over `hours`, or `start` to `end`, in at most `points` points."""

    @operation(
        "get_metric_history",
        "One metric over a range of time",
        query=HistoryQuerySerializer,
        answers={200: HistoryView},
    )
    def get(self, request: WorkspaceRequest, name: str) -> Response:
        query = HistoryQuerySerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        start, end, points = query.range(_now())
        history = selectors.history(
            request.principal,
            name=name,
            start=start,
            end=end,
            points=points,
            wanted_tags=query.validated_data.get("tags"),
        )
        return Response(history_document(history))


class SampleListView(WorkspaceAPIView):
    """POST: store a batch of samples, all or none; with `?partial=1` only the valid ones."""

    throttle_scope = "samples"

    @operation(
        "push_samples",
        "Store a batch of samples, all or none",
        body=SamplesBody,
        answers={201: Accepted},
        parameters=[PARTIAL],
        examples=[SAMPLES],
    )
    def post(self, request: WorkspaceRequest) -> Response:
        batch = BatchSerializer(data=request.data)
        batch.is_valid(raise_exception=True)
        now = _now()
        samples, malformed = read_samples(batch.validated_data["samples"], now)
        pushed = services.push_samples(
            principal=request.principal,
            samples=samples,
            malformed=malformed,
            partial=request.query_params.get("partial") in ("1", "true"),
            now=now,
        )
        answer: dict[str, object] = {"accepted": pushed.accepted}
        if pushed.errors:
            answer["errors"] = {str(index): why for index, why in sorted(pushed.errors.items())}
        return Response(answer, status=201)
