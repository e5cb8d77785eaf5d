"""What is refused of a text because of where it is written."""

from __future__ import annotations

from datetime import datetime

from chat.policy import RoomAction, require
from chat.protocol import CONFIRM_ABOVE
from chat.selectors import Place
from chat.services.drafts import Written
from realtime.errors import Conflict, Reason


def check_call_to_all(
    place: Place, written: Written, members: int, confirmed: bool, now: datetime
) -> None:
    """Let @all pass where the role allows it and a large number of people was confirmed.

    Args:
        members: how many others it would call.

    Raises:
        PermissionDenied: their role does not allow calling everybody.
        Conflict: it calls many people, and they did not confirm that.
    """
    if not written.mentions_all:
        return
    require(place.standing, RoomAction.MENTION_ALL, now)
    if members > CONFIRM_ABOVE and not confirmed:
        raise Conflict.field(
            "confirm",
            Reason(
                "@all calls %(count)d people: send it with confirm: true if you mean it.",
                count=members,
            ),
        )
