"""The live card of a metric: `{kind: "metric", reference: <name>}` in a conversation."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from weakref import WeakValueDictionary

from accounts.policy import Action, allowed
from dashboard import selectors, streams
from dashboard.cards import card_state
from dashboard.cards.card_state import CardSelection, Facts, LiveCard
from dashboard.samples import instants
from dashboard.selectors import CardData
from notifications.cards import CardKind, Followed, State, register
from realtime.auth import Principal

# The cards that are followed in this process, by workspace and metric.
_followed: WeakValueDictionary[tuple[int, str], LiveCard] = WeakValueDictionary()


def state(principal: Principal, references: Sequence[str]) -> dict[str, State | None]:
    """Return the current state of these metrics' cards."""
    found = _visible(principal, references)
    return {
        name: card_state.state(*_read(found[name], principal)) if name in found else None
        for name in references
    }


def follow(principal: Principal, references: Sequence[str]) -> Followed | None:
    """Return the workspace's stream of values, and the selection for these metrics' cards."""
    found = _visible(principal, references)
    if not found:
        return None
    cards = {name: _live(data, principal) for name, data in found.items()}
    return streams.metrics(principal.workspace_id), CardSelection(frozenset(cards), cards)


def _visible(principal: Principal, references: Iterable[str]) -> dict[str, CardData]:
    if not allowed(principal.role, Action.VIEW_DASHBOARDS):
        return {}
    return selectors.card_data(
        workspace_id=principal.workspace_id, names=set(references), points=card_state.SPARKLINE
    )


def _live(data: CardData, principal: Principal) -> LiveCard:
    facts, points = _read(data, principal)
    # setdefault: two concurrent threads get the same card.
    card = _followed.setdefault((principal.workspace_id, facts.name), LiveCard(facts, points))
    card.refresh(facts, points)
    return card


def _read(data: CardData, principal: Principal) -> tuple[Facts, tuple[card_state.Point, ...]]:
    metric = data.metric
    facts = Facts(
        name=metric.name,
        title=metric.display_title,
        group=metric.group,
        unit=metric.unit,
        decimals=metric.decimals,
        simulated=data.simulated,
        workspace=principal.workspace,
    )
    return facts, tuple((instants.rfc3339(point.at), point.value) for point in data.points)


register(CardKind(card_state.KIND, state=state, follow=follow))
