"""Events about users, which every endpoint may push. Pure."""

from __future__ import annotations

from realtime.protocol import Event


class UserUpdated(Event, tag="user_updated", kw_only=True):
    """A user has another username or display name (`name`): pushed to the user's workspaces."""

    user_id: int
    username: str
    name: str
    timestamp: str
