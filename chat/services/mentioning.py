"""Mentions: checking @all, storing mentions, notifying users of messages."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

from chat.models import Membership, Mention, Message, NotificationLevel, Room, RoomKind
from chat.policy import RoomAction, require
from chat.protocol import CONFIRM_ABOVE
from chat.selectors import Place
from chat.services import notifying
from chat.services.drafts import CheckedText
from realtime.errors import Conflict, Reason


def check_call_to_all(
    place: Place, written: CheckedText, members: int, confirmed: bool, now: datetime
) -> None:
    """Check that the role allows @all, and that calling many users was confirmed.

    Args:
        members: the number of other users it would call.

    Raises:
        PermissionDenied: the role does not allow calling everybody.
        Conflict: it calls many users without confirmation.
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


def rows(
    room: Room, message: Message, written: CheckedText, members: Iterable[Membership]
) -> list[Mention]:
    """Return a message's mentions: users called by name who may read it, and with @all the members.

    Args:
        members: at least the members of the room who are called by name; all of them with @all.
    """
    belonging = {membership.user_id for membership in members}
    named = [
        user_id
        for user_id in written.mentioned
        if room.kind == RoomKind.PUBLIC or user_id in belonging
    ]
    called = sorted(belonging - set(named)) if written.mentions_all else []
    return [
        Mention(
            message=message, user_id=user_id, room=room, sequence=message.sequence, by_name=by_name
        )
        for by_name, user_ids in ((True, named), (False, called))
        for user_id in user_ids
        if user_id != message.author_id
    ]


def notify(
    room: Room, message: Message, mentioned: Collection[int], members: Iterable[Membership]
) -> None:
    """Notify users who are mentioned, and members who want to hear of every message.

    Skips members who have read it: they posted after it, perhaps in the same transaction.
    """
    author = message.username
    by_user = {membership.user_id: membership for membership in members}
    waiting = {
        user_id: membership
        for user_id, membership in by_user.items()
        if membership.read_sequence < message.sequence
    }
    called = [
        user_id
        for user_id in mentioned
        if (user_id not in by_user or user_id in waiting)
        and notifying.wants_mention(by_user.get(user_id))
    ]
    notifying.mentioned(room, message, author, called)
    followers = [
        membership
        for membership in waiting.values()
        if membership.user_id not in mentioned and _follows(room, membership)
    ]
    notifying.posted(room, message, author, followers)


def _follows(room: Room, membership: Membership) -> bool:
    if room.kind == RoomKind.DIRECT:
        return membership.notify != NotificationLevel.NONE
    return membership.notify == NotificationLevel.ALL
