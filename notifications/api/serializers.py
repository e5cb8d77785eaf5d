"""Serializers and response types of the REST endpoints of notifications."""

from __future__ import annotations

from typing import Any

from msgspec import Struct
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from notifications import kinds
from notifications.models import MAX_LINK, MAX_MESSAGE, MAX_TITLE, Severity
from notifications.services import AUDIENCES
from realtime.http.bodies import MAX_ID, StrictSerializer
from realtime.http.pages import Page


class NotificationSerializer(StrictSerializer):
    """The body of POST notifications/."""

    user_id = serializers.IntegerField(min_value=1, max_value=MAX_ID, required=False)
    audience = serializers.ChoiceField(choices=AUDIENCES, required=False)
    title = serializers.CharField(max_length=MAX_TITLE)
    message = serializers.CharField(max_length=MAX_MESSAGE, required=False, allow_blank=True)
    severity = serializers.ChoiceField(choices=Severity.values, required=False)
    link = serializers.CharField(max_length=MAX_LINK, required=False, allow_blank=True)


class PushSerializer(StrictSerializer):
    """The body of POST users/{id}/push/."""

    message = serializers.CharField(max_length=MAX_MESSAGE)


class PageQuerySerializer(serializers.Serializer[Any]):
    """The query string of GET notifications/: `unread=1` or `0`, `kind`."""

    unread = serializers.BooleanField(required=False, allow_null=True, default=None)
    kind = serializers.CharField(required=False, allow_null=True, default=None)

    def validate_kind(self, value: str | None) -> str | None:
        if value is not None and value not in kinds.kinds():
            raise ValidationError(f"A kind is one of {', '.join(kinds.kinds())}.")
        return value


class NotificationView(Struct, kw_only=True):
    """A notification. `link` is a path of this site or an http(s) address; it may be empty."""

    id: int
    kind: str
    title: str
    message: str
    severity: str
    link: str
    created_at: str
    read: bool


class NotificationPage(Page[NotificationView], kw_only=True):
    """Notifications, newest first."""


class Notified(Struct, kw_only=True):
    """The number of users notified, and the ids of their notifications."""

    notified: int
    ids: list[int]


class Marked(Struct, kw_only=True):
    """The number newly marked as read, and the number still unread."""

    marked: int
    unread_count: int


class Pushed(Struct, kw_only=True):
    sent: bool
