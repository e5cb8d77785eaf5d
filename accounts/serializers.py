"""What the REST doors of accounts take and give."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from accounts import audit
from accounts.models import AuditEntry, Membership
from realtime.bodies import MAX_ID


class CredentialsSerializer(serializers.Serializer[Any]):
    username = serializers.CharField(max_length=254)
    password = serializers.CharField(max_length=1024, trim_whitespace=False)


class RefreshSerializer(serializers.Serializer[Any]):
    refresh = serializers.CharField(max_length=4096)


class WorkspaceRoleSerializer(serializers.ModelSerializer[Membership]):
    """A membership as its user sees it: the workspace and their role there."""

    slug = serializers.SlugField(source="workspace.slug")
    name = serializers.CharField(source="workspace.name")

    class Meta:
        model = Membership
        fields = ["slug", "name", "role"]


class AuditQuerySerializer(serializers.Serializer[Any]):
    """The query string of audit/; `from` and `to` are times, the first one included."""

    action = serializers.CharField(required=False, max_length=60)
    actor_id = serializers.IntegerField(required=False, min_value=1, max_value=MAX_ID)
    target_kind = serializers.CharField(required=False, max_length=100)
    target_id = serializers.CharField(required=False, max_length=64)
    to = serializers.DateTimeField(required=False, source="until")

    def get_fields(self) -> dict[str, Any]:
        # No attribute of a class can be called so.
        return super().get_fields() | {
            "from": serializers.DateTimeField(required=False, source="since")
        }


class AuditEntrySerializer(serializers.ModelSerializer[AuditEntry]):
    """An entry of the audit log; `action_label` is the action in the reader's language."""

    action_label = serializers.SerializerMethodField()

    class Meta:
        model = AuditEntry
        fields = [
            "id", "at", "actor_id", "actor_name", "address", "action", "action_label",
            "target_kind", "target_id", "target_name", "details",
        ]  # fmt: skip

    def get_action_label(self, entry: AuditEntry) -> str:
        return audit.label_of(entry.action)
