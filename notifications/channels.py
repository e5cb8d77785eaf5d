"""Channels: they bring system messages to places, whichever app a place belongs to.

Apps register channels as they register cards: chat has `room`. Alerts and jobs send through
`notifications.services.send_to_channel`, without knowing the apps behind the channels.
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

# The settings with which a channel finds a place, as stored with a route: JSON values by name.
Target = Mapping[str, Any]


class Part(StrEnum):
    """The parts of a message that a channel can carry; every channel carries the title."""

    TEXT = "text"
    SEVERITY = "severity"
    LINK = "link"
    CARD = "card"


@dataclass(frozen=True)
class ChannelMessage:
    """A message to a place. Title and text are Markdown that is also readable as plain text.

    `severity` is one of notifications.models.Severity; `link` is a path of this site or an http(s)
    address; `card` is shown live if the channel supports it.

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
        """Return the message without the parts that are not in `parts`."""
        empty = ChannelMessage(title=self.title)
        dropped = {part.value: getattr(empty, part.value) for part in Part if part not in parts}
        return replace(self, **dropped)


class Channel:
    """One way to reach places. Subclasses set `name`, `label` and `carries`.

    Methods are synchronous. A channel within this installation does all of its work in `send`. In
    an external channel, `send` stores the message, and the channel's own worker delivers it after
    the commit: no transaction waits for another server, and no rolled-back message is sent.
    """

    name: ClassVar[str]
    label: ClassVar[str | Promise]
    carries: ClassVar[frozenset[Part]]

    def check(self, principal: Principal, target: Target) -> Target:
        """Return the target in the form to store, if `principal` may have messages sent there.

        Raises:
            InvalidCommand: a setting is missing, unknown or wrong, or the principal may not choose
                the place; `errors` names the setting.
        """
        raise NotImplementedError

    def send(self, workspace_id: int, target: Target, message: ChannelMessage) -> None:
        """Send a message to a place, in the caller's unit of work.

        Args:
            message: already reduced to the parts that this channel carries.

        Raises:
            AppError: the place is gone or accepts no messages; nothing has changed.
        """
        raise NotImplementedError


registry: Registry[Channel] = Registry("channel")
register = registry.register


def get(name: str) -> Channel:
    """Return the channel of that name.

    Raises:
        NotFound: no app has registered it.
    """
    channel = registry.get(name)
    if channel is None:
        raise NotFound(f"There is no channel {name[:64]!r}.")
    return channel
