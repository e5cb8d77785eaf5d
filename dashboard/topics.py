"""How the streams of this app look on the wire, whoever follows them.

The Hub keeps one topic for each stream: that of `metrics` renders for the dashboard's sockets and
for the live cards alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dashboard import card_state, selection
from dashboard.card_state import CardSelection
from dashboard.selection import Selection
from realtime.latest import LatestTopic


def _render(
    payload: Mapping[str, Any], wanted: Selection | CardSelection
) -> bytes | list[bytes] | None:
    if isinstance(wanted, CardSelection):
        return card_state.render(payload, wanted)
    return selection.render(payload, wanted)


METRICS = LatestTopic(render=_render, merge=selection.merge)
