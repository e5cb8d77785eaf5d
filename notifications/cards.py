"""Live cards: objects of an app that are shown in a conversation and update in place.

Apps register their kinds of cards. Chat shows any card, follows its changes and relays its
actions, without knowing the apps behind them.
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


# Limits on the length of kinds and references, in characters.
MAX_KIND = 32
MAX_REFERENCE = 200


@dataclass(frozen=True)
class Card:
    """One card, with its state at the time when it is put into a conversation.

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
        state: (principal, references) → the current state by reference; None if the object does
            not exist or the principal may not see it.
        follow: (principal, references) → the latest stream and the selection that bring changes of
            these cards to a socket; its consumer passes them to `follow_latest`. The selection's
            frames are `CardUpdate`s. None if the principal may see none of the cards. If omitted,
            sockets follow the changes published by `card_changed`.
        actions: the actions on a card, by name. Called with keyword arguments `principal`,
            `reference` and `arguments` (a mapping, as the client sent it); they raise AppErrors.
    """

    name: str
    state: Callable[[Principal, Sequence[str]], dict[str, State | None]]
    follow: Follow | None = None
    actions: Mapping[str, Callable[..., Any]] = field(default_factory=dict)

    def followed(self, principal: Principal, references: Sequence[str]) -> Followed | None:
        """Return the stream and selection of these cards; None if the principal may see none."""
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
    """Return the kind of that name.

    Raises:
        NotFound: no app has registered it.
    """
    kind = registry.get(name)
    if kind is None:
        raise NotFound(f"There is no kind of card {name[:64]!r}.")
    return kind


def card_changed(*, workspace_id: int, kind: str, reference: str, state: State) -> None:
    """Show a card's new state wherever it is displayed: on commit inside a transaction, else now.

    For kinds without their own `follow`. It reaches the sockets that follow the card and whose
    users could see it when they started to, so the state must be the same for all of them.
    """
    publish_latest(streams.cards(workspace_id, kind), {reference: state})


@dataclass(frozen=True)
class _Visible:
    """The cards of one kind that a socket follows."""

    kind: str
    references: frozenset[str]

    def frames(self, payload: Mapping[str, State]) -> list[bytes]:
        """Return a `card_update` for each of these cards that has changed."""
        return [
            CardUpdate(kind=self.kind, reference=reference, state=state).encode()
            for reference, state in payload.items()
            if reference in self.references
        ]


def _merge(older: Mapping[str, State], newer: Mapping[str, State]) -> dict[str, State]:
    return {**older, **newer}


latest.register(streams.CARD_PREFIX, _merge)
