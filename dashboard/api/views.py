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
    history_document,
    metric_document,
    read_samples,
)
from dashboard.samples import instants
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
