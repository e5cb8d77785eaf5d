"""Reads and changes of the dashboard check the caller's role themselves, whatever calls them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from accounts.models import Workspace
from dashboard import selectors, services
from realtime.auth import Principal
from realtime.errors import PermissionDenied
from tests.support.metrics import make_metric, viewer_of
from tests.support.people import make_workspace

pytestmark = pytest.mark.django_db

CALLS: dict[str, Callable[[Principal], object]] = {
    "metric_states": selectors.metric_states,
    "metric_names": selectors.metric_names,
    "require_metrics": lambda nobody: selectors.require_metrics(nobody, ["rpm"]),
    "history": lambda nobody: selectors.history(nobody, name="rpm", start=0, end=1, points=1),
    "recent": lambda nobody: selectors.recent(nobody, names=None, start=0, end=1),
    "push_samples": lambda nobody: services.push_samples(
        principal=nobody, samples={}, malformed={}, partial=False, now=0
    ),
}


@pytest.fixture
def workspace() -> Workspace:
    return make_workspace()


@pytest.mark.parametrize("name", CALLS)
def test_a_role_that_allows_nothing_is_refused(workspace: Workspace, name: str) -> None:
    make_metric(workspace, "rpm")
    with pytest.raises(PermissionDenied):
        CALLS[name](viewer_of(workspace, role="guest"))


@pytest.mark.parametrize("name", [name for name in CALLS if name != "push_samples"])
def test_a_viewer_may_read(workspace: Workspace, name: str) -> None:
    make_metric(workspace, "rpm")
    CALLS[name](viewer_of(workspace))
