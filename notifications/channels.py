"""Channels: how a message of the system reaches a place, whichever app the place belongs to.

Apps register their channels as they register cards: chat has `room`. Alerts and jobs send through
`notifications.services.send_to_channel` and know none of the apps behind.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, ClassVar

from django.utils.functional import Promise

from notifications.cards import Card
from realtime.auth import Principal
from realtime.errors import NotFound
from realtime.registries import Registry

# What a channel needs to know of a place, as it is kept with a route: JSON values by name.
Target = Mapping[str, Any]


class Part(StrEnum):
    """What of a message a channel can carry; every channel carries the title."""

    TEXT = "text"
    SEVERITY = "severity"
    LINK = "link"
    CARD = "card"


@dataclass(frozen=True)
class ChannelMessage:
    """What is to reach a place. Title and text are Markdown that also reads well as it is.

    `severity` is one of notifications.models.Severity; `link` is a path of this site or an http(s)
    address; `card` is shown live where a channel can do that.

    Raises:
        ValueError: there is no title.
    """

    title: str
    text: str = ""
    severity: str = "info"
    link: str = ""
    card: Card | None = None

    def __post_init__(self) -> None:
        if not self.title.strip():
            raise ValueError("A message to a channel needs a title.")

    def reduced_to(self, parts: frozenset[Part]) -> ChannelMessage:
        """The message without what is not among `parts`."""
        empty = ChannelMessage(title=self.title)
        dropped = {part.value: getattr(empty, part.value) for part in Part if part not in parts}
        return replace(self, **dropped)


class Channel:
    """One way to reach places. Subclasses set `name`, `label` and `carries`.

    Methods are synchronous. A channel within this installation does all of its work in `send`. One
    that leads outside stores there what is to go out, and a worker of its own delivers it after the
    commit: no transaction waits for another server, and nothing goes out that was rolled back.
    """

    name: ClassVar[str]
    label: ClassVar[str | Promise]
    carries: ClassVar[frozenset[Part]]

    def check(self, principal: Principal, target: Target) -> Target:
        """The target as it is to be kept, if `principal` may have messages sent there.

        Raises:
            InvalidCommand: a setting is missing, unknown or wrong, or the place is not theirs to
                choose; `errors` names the setting.
        """
        raise NotImplementedError

    def send(self, workspace_id: int, target: Target, message: ChannelMessage) -> None:
        """Bring a message to a place, in the unit of work of the caller.

        Args:
            message: without what this channel does not carry.

        Raises:
            AppError: the place is gone or takes no messages; nothing has changed then.
        """
        raise NotImplementedError


registry: Registry[Channel] = Registry("channel")
register = registry.register


def get(name: str) -> Channel:
    """The channel of that name.

    Raises:
        NotFound: no app has registered it.
    """
    channel = registry.get(name)
    if channel is None:
        raise NotFound(f"There is no channel {name[:64]!r}.")
    return channel
