"""Unread counts after messages or mentions are gone, told to the members who had them unread."""

from __future__ import annotations

from collections.abc import Collection

from chat import selectors
from chat.models import Room
from chat.protocol import ReadMarker
from chat.services import notifying
from chat.services.common import stamp
from realtime.streams import publish


def count_again(
    room: Room,
    *,
    gone: Collection[int] = (),
    uncalled: tuple[int, Collection[int]] = (0, ()),
    beyond: int,
) -> None:
    """Mark notifications of what is gone as read, and push the members' counts to their sockets.

    Call with the room's row locked and as it is now, in the unit of work of the change.

    Args:
        gone: sequences of messages that are deleted or have expired.
        uncalled: a message's sequence, and users whom it no longer mentions.
        beyond: the newest message concerned; members who have read it have the same counts.
    """
    counted = selectors.unread_of_members(room, beyond=beyond)
    notifying.withdraw(
        room,
        gone=gone,
        uncalled=uncalled,
        nothing_left=[each.user_id for each in counted if not each.unread.messages],
    )
    for user_id, marker, unread in counted:
        publish.publish_direct(
            {"user_id": user_id, "workspace_id": room.workspace_id},
            ReadMarker(
                room=room.slug,
                user_id=user_id,
                sequence=marker,
                unread=unread.messages,
                mentions=unread.mentions,
                head_sequence=room.head_sequence,
                timestamp=stamp(),
            ),
        )
