"""Models of messages, revisions, reactions, mentions, attachments and pins."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from chat.models.fields import FoldedTextField
from chat.models.rooms import Room
from chat.protocol import (
    MAX_CLIENT_ID_LENGTH,
    MAX_EMOJI_LENGTH,
    SYSTEM_NAME,
    SYSTEM_USER_ID,
)


class Message(models.Model):
    """A message. A deleted one stays as a tombstone, without text, revisions, reactions or files.

    `sequence` numbers the room's messages, contiguous from 1 (Room). chat.text.markdown renders
    `text` to `html`. `search_text` is `text` folded for searching (search.queries): a full save
    sets it, an update of `text` alone must name it too. A card (`card_kind`, `card_reference`) is
    shown with its state when posted (`card_state`) until its newest state is known. A message
    without an author is from Pitwall itself.
    """

    room = models.ForeignKey(
        Room,
        on_delete=models.CASCADE,
        related_name="messages",
        db_index=False,
        verbose_name=_("room"),
    )
    sequence = models.BigIntegerField(_("sequence"))
    author = models.ForeignKey(
        User,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="chat_messages",
        verbose_name=_("author"),
    )
    text = models.TextField(_("text"), blank=True)
    html = models.TextField(blank=True)
    search_text = FoldedTextField(source="text", blank=True, default="", editable=False)
    client_message_id = models.CharField(  # noqa: DJ001 - NULL is exempt from the unique constraint
        max_length=MAX_CLIENT_ID_LENGTH, null=True, blank=True
    )
    reply_to = models.ForeignKey(
        "self",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="replies",
        db_index=False,
        verbose_name=_("answers"),
    )
    mentions_all = models.BooleanField(default=False)
    created_at = models.DateTimeField(_("sent"), default=timezone.now)
    edited_at = models.DateTimeField(_("edited"), null=True, blank=True)
    deleted_at = models.DateTimeField(_("deleted"), null=True, blank=True)
    deleted_by = models.ForeignKey(
        User,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
        verbose_name=_("deleted by"),
    )
    card_kind = models.CharField(max_length=32, blank=True)
    card_reference = models.CharField(max_length=200, blank=True)
    card_state = models.JSONField(null=True, blank=True)

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        ordering = ["room", "sequence"]
        constraints = [
            models.UniqueConstraint(fields=["room", "sequence"], name="chat_message_sequence"),
            models.UniqueConstraint(
                fields=["room", "author", "client_message_id"],
                condition=models.Q(client_message_id__isnull=False),
                name="chat_message_once_per_client_id",
            ),
            models.CheckConstraint(
                condition=models.Q(sequence__gte=1), name="chat_message_sequence_from_1"
            ),
            models.CheckConstraint(
                condition=models.Q(deleted_at__isnull=True, deleted_by__isnull=True)
                | models.Q(
                    deleted_at__isnull=False,
                    deleted_by__isnull=False,
                    text="",
                    html="",
                    search_text="",
                ),
                name="chat_message_tombstone_is_empty",
            ),
            models.CheckConstraint(
                condition=models.Q(card_kind="", card_reference="")
                | (~models.Q(card_kind="") & ~models.Q(card_reference="")),
                name="chat_message_card_complete",
            ),
        ]
        indexes = [
            models.Index(fields=["room", "created_at"], name="chat_message_room_sent"),
            models.Index(
                fields=["reply_to"],
                condition=models.Q(reply_to__isnull=False),
                name="chat_message_reply_to",
            ),
            # Counts of unread messages leave tombstones out.
            models.Index(
                fields=["room", "sequence"],
                condition=models.Q(deleted_at__isnull=False),
                name="chat_message_tombstones",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.room_id}:{self.sequence}"

    @property
    def user_id(self) -> int:
        """The author's id in the protocol."""
        return SYSTEM_USER_ID if self.author_id is None else self.author_id

    @property
    def username(self) -> str:
        """The author's name in the protocol; needs `author`."""
        return SYSTEM_NAME if self.author is None else self.author.username


class Revision(models.Model):
    """An earlier text of an edited message: its `number`th, replaced at `replaced_at`."""

    message = models.ForeignKey(
        Message, on_delete=models.CASCADE, related_name="revisions", db_index=False
    )
    number = models.PositiveIntegerField()
    text = models.TextField(blank=True)
    replaced_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["message", "number"]
        constraints = [
            models.UniqueConstraint(fields=["message", "number"], name="chat_revision_number"),
        ]

    def __str__(self) -> str:
        return f"{self.message_id}, text {self.number}"


class Reaction(models.Model):
    """A user's emoji on a message."""

    message = models.ForeignKey(
        Message, on_delete=models.CASCADE, related_name="reactions", db_index=False
    )
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    emoji = models.CharField(max_length=MAX_EMOJI_LENGTH)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["message", "user", "emoji"], name="chat_reaction_once_each"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.emoji} {self.user_id} on {self.message_id}"


class Mention(models.Model):
    """A user whom a message mentions, by name or with @all.

    `room` and `sequence` repeat the message's, so that the index alone counts unread mentions.
    """

    message = models.ForeignKey(
        Message, on_delete=models.CASCADE, related_name="mentions", db_index=False
    )
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+", db_index=False)
    room = models.ForeignKey(Room, on_delete=models.CASCADE, related_name="+", db_index=False)
    sequence = models.BigIntegerField()
    by_name = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["message", "user"], name="chat_mention_once_each"),
        ]
        indexes = [models.Index(fields=["user", "room", "sequence"], name="chat_mention_unread")]

    def __str__(self) -> str:
        return f"{self.user_id} in {self.message_id}"


class Attachment(models.Model):
    """A file uploaded to a room. It waits for its message, and is removed if none comes.

    `content_type` is determined from the content, not taken from the uploader. Only images that
    may be shown in a page have `width` and `height`. `key`: see chat.files.uploads.
    """

    room = models.ForeignKey(Room, on_delete=models.CASCADE, related_name="attachments")
    uploader = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    message = models.ForeignKey(
        Message, on_delete=models.SET_NULL, null=True, blank=True, related_name="attachments"
    )
    name = models.CharField(_("name"), max_length=255)
    size = models.PositiveBigIntegerField(_("size (bytes)"))
    content_type = models.CharField(_("content type"), max_length=100)
    width = models.PositiveIntegerField(null=True, blank=True)
    height = models.PositiveIntegerField(null=True, blank=True)
    key = models.CharField(max_length=32, unique=True, editable=False)
    created_at = models.DateTimeField(_("uploaded"), default=timezone.now)

    class Meta:
        verbose_name = _("attachment")
        verbose_name_plural = _("attachments")
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(width__isnull=True, height__isnull=True)
                | models.Q(width__isnull=False, height__isnull=False),
                name="chat_attachment_both_dimensions",
            ),
        ]
        indexes = [
            models.Index(
                fields=["created_at"],
                condition=models.Q(message__isnull=True),
                name="chat_attachment_waiting",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def inline(self) -> bool:
        """True if a page may show the file inline."""
        return self.width is not None


class Pin(models.Model):
    """A message pinned to its room."""

    message = models.OneToOneField(Message, on_delete=models.CASCADE, related_name="pin")
    room = models.ForeignKey(Room, on_delete=models.CASCADE, related_name="pins")
    pinned_by = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.message_id} in {self.room_id}"
