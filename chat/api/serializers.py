"""Request serializers of chat's REST API: names, types, lengths. Services check the meaning."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from django.utils import timezone
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from chat.models import NotificationLevel, Role
from chat.protocol import (
    DEFAULT_HISTORY,
    MAX_ATTACHMENTS,
    MAX_CLIENT_ID_LENGTH,
    MAX_EMOJI_LENGTH,
    MAX_HISTORY,
    MAX_TEXT_LENGTH,
)
from chat.search import queries
from realtime.http.bodies import MAX_ID, StrictSerializer
from realtime.http.fields import InstantField

# Above the limit of every field, so that services refuse overlong texts with a reason.
LONG = MAX_TEXT_LENGTH * 4


class TextField(serializers.CharField):
    """A string field that refuses numbers and keeps surrounding whitespace."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("trim_whitespace", False)
        kwargs.setdefault("max_length", LONG)
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            raise ValidationError("A text is required.")
        return str(super().to_internal_value(data))


class NumberField(serializers.IntegerField):
    """A JSON integer that fits into a database column."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("min_value", 0)
        kwargs.setdefault("max_value", MAX_ID)
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool | float):
            raise ValidationError("A whole number is required.")
        return int(super().to_internal_value(data))


class CreateRoomSerializer(StrictSerializer):
    """Direct rooms take the other user; all other rooms take a name."""

    kind = TextField(default="public")
    name = TextField(required=False)
    slug = TextField(required=False)
    topic = TextField(required=False, allow_blank=True)
    retention_days = NumberField(required=False, allow_null=True)
    user_id = NumberField(required=False)
    username = TextField(required=False)

    direct: ClassVar[set[str]] = {"kind", "user_id", "username"}
    others: ClassVar[set[str]] = {"kind", "name", "slug", "topic", "retention_days"}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        fitting = self.direct if attrs["kind"] == "direct" else self.others
        if odd := set(attrs) - fitting:
            reason = f"A {attrs['kind'][:20]} room has no such field."
            raise ValidationError({name: [reason] for name in odd})
        if "name" not in attrs and attrs["kind"] != "direct":
            raise ValidationError({"name": ["This field is required."]})
        return attrs


class UpdateRoomSerializer(StrictSerializer):
    """`notify` is the user's own setting; the other fields are the room's."""

    name = TextField(required=False)
    topic = TextField(required=False, allow_blank=True)
    retention_days = NumberField(required=False, allow_null=True)
    archived = serializers.BooleanField(required=False)
    notify = serializers.ChoiceField(NotificationLevel.choices, required=False)


class AddMemberSerializer(StrictSerializer):
    """Without `user_id`, the user joins a public room."""

    user_id = NumberField(required=False)
    role = serializers.ChoiceField(Role.choices, required=False)


class UpdateMemberSerializer(StrictSerializer):
    user_id = NumberField(required=False)
    role = serializers.ChoiceField(Role.choices, required=False)
    muted_until = InstantField(required=False, allow_null=True)


class NamedMemberSerializer(UpdateMemberSerializer):
    """The changes to a member who is named in the body, not in the path."""

    user_id = NumberField()


class MemberSerializer(StrictSerializer):
    user_id = NumberField()


class CardSerializer(StrictSerializer):
    kind = TextField(max_length=32)
    reference = TextField(max_length=200)


class SendMessageSerializer(StrictSerializer):
    text = TextField(required=False, allow_blank=True, default="")
    client_message_id = TextField(required=False, max_length=MAX_CLIENT_ID_LENGTH)
    reply_to = NumberField(
        required=False,
        allow_null=True,
        help_text="The `message_id` of the message to answer, not its sequence.",
    )
    attachments = serializers.ListField(
        child=NumberField(), required=False, max_length=MAX_ATTACHMENTS
    )
    card = CardSerializer(required=False, allow_null=True)
    confirm = serializers.BooleanField(required=False)

    def validate_card(self, value: dict[str, str] | None) -> tuple[str, str] | None:
        return None if value is None else (value["kind"], value["reference"])


class PreviewSerializer(StrictSerializer):
    text = TextField(allow_blank=True, max_length=MAX_TEXT_LENGTH)


class EditMessageSerializer(StrictSerializer):
    """`expected_edited_at`: the `edited_at` of the text that was edited; null: it had none."""

    text = TextField(allow_blank=True)
    confirm = serializers.BooleanField(required=False)
    expected_edited_at = InstantField(required=False, allow_null=True)


class DeleteMessageSerializer(StrictSerializer):
    reason = TextField(required=False, allow_blank=True, max_length=250)


class ReactionSerializer(StrictSerializer):
    emoji = TextField(max_length=MAX_EMOJI_LENGTH)


class ReadSerializer(StrictSerializer):
    sequence = NumberField()


class UploadSerializer(serializers.Serializer[Any]):
    """The form of POST attachments/."""

    room = serializers.CharField(max_length=200)
    file = serializers.FileField(allow_empty_file=True, max_length=None)


class PageSerializer(serializers.Serializer[Any]):
    """The query string of a page of messages."""

    before = serializers.IntegerField(required=False, min_value=0, max_value=MAX_ID)
    after = serializers.IntegerField(required=False, min_value=0, max_value=MAX_ID)
    around = serializers.IntegerField(required=False, min_value=0, max_value=MAX_ID)
    limit = serializers.IntegerField(default=DEFAULT_HISTORY, min_value=1, max_value=MAX_HISTORY)


class FilePageSerializer(serializers.Serializer[Any]):
    """The query string of a page of a room's files."""

    room = serializers.CharField(max_length=200)
    before = serializers.IntegerField(required=False, min_value=0, max_value=MAX_ID)
    limit = serializers.IntegerField(default=DEFAULT_HISTORY, min_value=1, max_value=MAX_HISTORY)


class SearchSerializer(serializers.Serializer[Any]):
    """The query string of search/messages/; days in `q` are in `timezone`, by default UTC."""

    q = serializers.CharField(max_length=queries.MAX_QUERY_LENGTH)
    cursor = serializers.IntegerField(required=False, min_value=0, max_value=MAX_ID)
    limit = serializers.IntegerField(default=20, min_value=1, max_value=100)
    timezone = serializers.CharField(default="UTC", max_length=64)

    def validate_timezone(self, value: str) -> ZoneInfo:
        try:
            return ZoneInfo(value)
        except (ValueError, OSError, KeyError):
            raise ValidationError("Write it as Europe/Berlin.") from None

    def query(self) -> queries.Query:
        """Return the parsed search query.

        Raises:
            InvalidCommand: the query cannot be parsed; the reason says why.
        """
        now: datetime = timezone.localtime(timezone.now(), self.validated_data["timezone"])
        return queries.parse(self.validated_data["q"], now)
