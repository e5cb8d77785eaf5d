"""Presence events: tells rooms which users enter, leave, turn away or come back.

A user is away when connected while no connection has the user's attention. A connection that has
it is in a scope of the workspace, until it says `away`.
"""

from __future__ import annotations

from accounts.models import User
from chat.protocol import UserAway, UserJoined, UserLeft
from chat.streams import keys, live
from realtime.presence import store


@store.listen
def tell_room(change: store.Change) -> None:
    """Tell a room that a user is present now, or no longer."""
    slug = keys.slug_of(change.seat.scope)
    if slug is None:
        return
    user_id = change.seat.user_id
    names = User.objects.filter(pk=user_id).values_list("username", flat=True)
    for username in names:
        event = UserJoined if change.present else UserLeft
        live.tell(change.seat.workspace_id, event(room=slug, user_id=user_id, username=username))


@store.listen
def tell_attention(change: store.Change) -> None:
    """Tell the rooms where a user is present that the user is away everywhere, or is back."""
    workspace_id, scope, user_id = change.seat
    if scope != keys.ATTENTION:
        return
    username = User.objects.filter(pk=user_id).values_list("username", flat=True).first()
    for name in store.scopes_of(workspace_id, user_id):
        slug = keys.slug_of(name)
        if slug is None or username is None:
            continue
        event = UserAway(room=slug, user_id=user_id, username=username, on=not change.present)
        live.tell(workspace_id, event)
