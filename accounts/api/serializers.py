"""Request and response bodies of the REST endpoints of accounts."""

from __future__ import annotations

from typing import Any

from msgspec import Struct
from rest_framework import serializers

from accounts import audit
from accounts.models import AuditEntry
from realtime.http.bodies import MAX_ID
from realtime.http.fields import InstantField


class CredentialsSerializer(serializers.Serializer[Any]):
    username = serializers.CharField(max_length=254)
    password = serializers.CharField(max_length=1024, trim_whitespace=False)


class RefreshSerializer(serializers.Serializer[Any]):
    refresh = serializers.CharField(max_length=4096)


class TokenPair(Struct, kw_only=True):
    """An access token and a refresh token, with their lifetimes in seconds."""

    access: str
    refresh: str
    expires_in: int
    refresh_expires_in: int


class AccessToken(Struct, kw_only=True):
    """A new access token, with its lifetime in seconds. The refresh token stays the same."""

    access: str
    expires_in: int


class Ticket(Struct, kw_only=True):
    """Opens one socket, once, within `expires_in` seconds: `/ws/…/?ticket=<ticket>`."""

    ticket: str
    expires_in: int


class WorkspaceRole(Struct, kw_only=True):
    """A workspace and the user's role in it."""

    slug: str
    name: str
    role: str


class Me(Struct, kw_only=True):
    """The signed-in user; `workspace` is the slug of the workspace of this request."""

    id: int
    username: str
    is_staff: bool
    workspaces: list[WorkspaceRole]
    workspace: str


class Person(Struct, kw_only=True):
    """A user of the workspace."""

    id: int
    username: str
    name: str


class AuditQuerySerializer(serializers.Serializer[Any]):
    """The query string of audit/; `from` (inclusive) and `to` (exclusive) are times."""

    action = serializers.CharField(required=False, max_length=60)
    actor_id = serializers.IntegerField(required=False, min_value=1, max_value=MAX_ID)
    target_kind = serializers.CharField(required=False, max_length=100)
    target_id = serializers.CharField(required=False, max_length=64)
    to = InstantField(required=False, source="until")

    def get_fields(self) -> dict[str, Any]:
        # `from` is a keyword, so it cannot be a class attribute.
        return super().get_fields() | {"from": InstantField(required=False, source="since")}


class AuditEntrySerializer(serializers.ModelSerializer[AuditEntry]):
    """An entry of the audit log; `action_label` is the action in the reader's language."""

    address = serializers.IPAddressField(allow_null=True, read_only=True)
    action_label = serializers.SerializerMethodField()

    details = serializers.DictField(child=serializers.JSONField(), read_only=True)

    class Meta:
        model = AuditEntry
        fields = [
            "id", "at", "actor_id", "actor_name", "address", "action", "action_label",
            "target_kind", "target_id", "target_name", "details",
        ]  # fmt: skip

    def get_action_label(self, entry: AuditEntry) -> str:
        return audit.label_of(entry.action)
