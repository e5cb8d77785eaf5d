"""Who comes into rooms and leaves them, told to those who are there."""

from __future__ import annotations

from accounts.models import User
from chat import live, streams
from chat.protocol import UserJoined, UserLeft
from realtime import presence


@presence.listen
def tell_room(change: presence.Change) -> None:
    """Pass on that somebody is present in a room now, or is not any more."""
    slug = streams.slug_of(change.seat.scope)
    if slug is None:
        return
    user_id = change.seat.user_id
    names = User.objects.filter(pk=user_id).values_list("username", flat=True)
    for username in names:
        event = UserJoined if change.present else UserLeft
        live.tell(change.seat.workspace_id, event(room=slug, user_id=user_id, username=username))
