"""Keeps rooms in step with the workspace that they belong to."""

from __future__ import annotations

from typing import Any

from django.db.models.signals import post_delete
from django.dispatch import receiver

from accounts.models import Membership
from chat import services


@receiver(post_delete, sender=Membership)
def leave_rooms(instance: Membership, **kwargs: Any) -> None:
    """Who is out of a workspace is out of its rooms, whichever way that happened."""
    services.leave_workspace(workspace_id=instance.workspace_id, user_id=instance.user_id)
