"""Messages of the system to places: rooms, and whatever else is a channel."""

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
    """Send a message to a place; what its channel cannot carry is left out.

    Call it in the unit of work of the change that the message tells of: both are committed, or
    neither. If the place refuses the message, catch the error around this call, and the change goes
    on without it.

    Args:
        channel: its name (notifications.channels).
        target: as the channel's `check` returned it.

    Raises:
        NotFound: there is no such channel, or the place is gone.
        InvalidCommand: the link is neither a path nor an http(s) address.
        AppError: the place takes no messages.
        ValueError: there is no such severity: the caller's mistake.
    """
    if message.severity not in Severity.values:
        raise ValueError(f"There is no severity {message.severity!r}.")
    check_link(message.link)
    way = channels.get(channel)
    way.send(workspace_id, target, message.reduced_to(way.carries))
