"""System messages to places: rooms, and the places of other channels."""

from __future__ import annotations

from notifications import channels
from notifications.channels import ChannelMessage, Target
from notifications.models import Severity
from notifications.services.telling import check_link
from realtime.streams.unit_of_work import unit_of_work


@unit_of_work
def send_to_channel(
    *, workspace_id: int, channel: str, target: Target, message: ChannelMessage
) -> None:
    """Send a message to a place, without the parts that its channel cannot carry.

    Call it in the unit of work of the change that the message reports: both are committed, or
    neither. If the place may refuse the message, catch the error around this call to commit the
    change without it.

    Args:
        channel: the name of the channel (notifications.channels).
        target: as returned by the channel's `check`.

    Raises:
        NotFound: there is no such channel, or the place is gone.
        InvalidCommand: the link is neither a path nor an http(s) address.
        AppError: the place accepts no messages.
        ValueError: the severity is unknown: the caller's mistake.
    """
    if message.severity not in Severity.values:
        raise ValueError(f"There is no severity {message.severity!r}.")
    check_link(message.link)
    way = channels.get(channel)
    way.send(workspace_id, target, message.reduced_to(way.carries))
