"""Live cards: something of an app that stands in a conversation and changes in place.

An app registers its kinds of cards; chat shows any card, follows its changes and relays its
actions, and knows none of the apps behind them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from notifications import streams
from notifications.protocol import CardUpdate
from realtime.auth import Principal
from realtime.errors import NotFound
from realtime.fanout import latest
from realtime.fanout.latest import Selection
from realtime.registries import Registry
from realtime.streams.log import StreamKey
from realtime.streams.publish import publish_latest

State = dict[str, Any]
Followed = tuple[StreamKey, Selection]
Follow = Callable[[Principal, Sequence[str]], Followed | None]


# The longest names of kinds and things.
MAX_KIND = 32
MAX_REFERENCE = 200


@dataclass(frozen=True)
class Card:
    """One card, with the state that it has when it is put into a conversation.

    Raises:
        ValueError: its kind or reference is empty or too long.
    """

    kind: str
    reference: str
    state: State

    def __post_init__(self) -> None:
        if not 0 < len(self.kind) <= MAX_KIND or not 0 < len(self.reference) <= MAX_REFERENCE:
            raise ValueError(f"There can be no card {self.kind!r} {self.reference!r}.")


@dataclass(frozen=True)
class CardKind:
    """One kind of card. All functions are synchronous and may read the database.

    Args:
        name: the `kind` of its frames.
        state: (principal, references) → the present state by reference; None where there is no
            such thing, or the principal may not see it.
        follow: (principal, references) → how changes of these reach a socket: the latest stream
            and the selection that its consumer hands to `follow_latest`. The selection's frames
            are `CardUpdate`s. None where the principal may see none of them. Left out: the changes
            that `card_changed` tells of.
        actions: what can be done on a card, by name. Called with keyword arguments `principal`,
            `reference` and `arguments` (a mapping, as the client sent it); raises AppErrors.
    """

    name: str
    state: Callable[[Principal, Sequence[str]], dict[str, State | None]]
    follow: Follow | None = None
    actions: Mapping[str, Callable[..., Any]] = field(default_factory=dict)

    def followed(self, principal: Principal, references: Sequence[str]) -> Followed | None:
        """How changes of these cards reach a socket of the principal; None: they may see none."""
        if self.follow is not None:
            return self.follow(principal, references)
        states = self.state(principal, references)
        visible = frozenset(name for name in references if states.get(name) is not None)
        if not visible:
            return None
        return streams.cards(principal.workspace_id, self.name), _Visible(self.name, visible)


registry: Registry[CardKind] = Registry("kind of card")
register = registry.register


def get(name: str) -> CardKind:
    """The kind of that name.

    Raises:
        NotFound: no app has registered it.
    """
    kind = registry.get(name)
    if kind is None:
        raise NotFound(f"There is no kind of card {name[:64]!r}.")
    return kind


def card_changed(*, workspace_id: int, kind: str, reference: str, state: State) -> None:
    """Show the new state of a card wherever it stands: on commit inside a transaction, else now.

    For kinds without a `follow` of their own. It reaches the sockets that follow the card and whose
    users could see it when they began to; so the state must be the same for all of them.
    """
    publish_latest(streams.cards(workspace_id, kind), {reference: state})


@dataclass(frozen=True)
class _Visible:
    """The cards of one kind that a socket follows."""

    kind: str
    references: frozenset[str]

    def frames(self, payload: Mapping[str, State]) -> list[bytes]:
        """A `card_update` for each of these that has changed."""
        return [
            CardUpdate(kind=self.kind, reference=reference, state=state).encode()
            for reference, state in payload.items()
            if reference in self.references
        ]


def _merge(older: Mapping[str, State], newer: Mapping[str, State]) -> dict[str, State]:
    return {**older, **newer}


latest.register(streams.CARD_PREFIX, _merge)
