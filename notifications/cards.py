"""Live cards: something of an app that stands in a conversation and changes in place.

An app registers its kinds of cards; chat shows any card, follows its changes and relays its
actions, and knows none of the apps behind them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from realtime.auth import Principal
from realtime.errors import NotFound
from realtime.latest import Selection
from realtime.streams import StreamKey

State = dict[str, Any]
Followed = tuple[StreamKey, Selection]


@dataclass(frozen=True)
class CardKind:
    """One kind of card. All functions are synchronous and may read the database.

    Args:
        name: the `kind` of its frames.
        state: (principal, references) → the present state by reference; None where there is no
            such thing, or the principal may not see it.
        follow: (principal, references) → how changes of these reach a socket: the latest stream
            and the selection that its consumer hands to `follow_latest`. The selection's frames
            are `card_update {kind, reference, state}`. None where the principal may see none.
        actions: what can be done on a card, by name. Called with keyword arguments `principal`,
            `reference` and `arguments` (a mapping, as the client sent it); raises AppErrors.
    """

    name: str
    state: Callable[[Principal, Sequence[str]], dict[str, State | None]]
    follow: Callable[[Principal, Sequence[str]], Followed | None]
    actions: Mapping[str, Callable[..., Any]] = field(default_factory=dict)


_kinds: dict[str, CardKind] = {}


def register(kind: CardKind) -> CardKind:
    """Make a kind of card known; called when Django starts."""
    _kinds[kind.name] = kind
    return kind


def get(name: str) -> CardKind:
    """The kind of that name.

    Raises:
        NotFound: no app has registered it.
    """
    if name not in _kinds:
        raise NotFound(f"There is no kind of card {name[:64]!r}.")
    return _kinds[name]
