"""What the REST doors of notifications take."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from notifications import kinds
from notifications.models import MAX_LINK, MAX_MESSAGE, MAX_TITLE, Severity
from notifications.services import AUDIENCES
from realtime.http.bodies import MAX_ID, StrictSerializer


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
