"""Keeps rooms in sync with the workspace's members and their names."""

from __future__ import annotations

from typing import Any

from django.db.models.signals import post_delete
from django.dispatch import receiver

from accounts.models import Membership, User
from accounts.services import user_renamed
from chat import services


@receiver(post_delete, sender=Membership)
def leave_rooms(instance: Membership, **kwargs: Any) -> None:
    """Remove a user from all rooms of a workspace they have left, however that happened."""
    services.leave_workspace(workspace_id=instance.workspace_id, user_id=instance.user_id)


@receiver(user_renamed)
def follow_new_name(user: User, **kwargs: Any) -> None:
    """Have rooms show a user under the new name."""
    services.tell_of_new_name(user=user)
