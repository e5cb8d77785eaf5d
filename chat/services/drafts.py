"""Drafts: messages are checked and rendered before any row is locked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models.functions import Lower

from accounts.models import Membership as WorkspaceMembership
from chat.protocol import MAX_ATTACHMENTS, MAX_CLIENT_ID_LENGTH
from chat.text import checking, markdown
from notifications import cards
from notifications.cards import Card
from realtime.auth import Principal
from realtime.errors import InvalidCommand, NotFound, Reason


@dataclass(frozen=True)
class CheckedText:
    """A text as stored, with its HTML and the ids of the users it mentions."""

    text: str
    html: str
    mentioned: tuple[int, ...]
    mentions_all: bool


@dataclass(frozen=True)
class Draft:
    """A message ready to be posted: checked on its own, not yet against its room."""

    principal: Principal
    room: str
    written: CheckedText
    client_message_id: str | None = None
    reply_to: int | None = None
    attachments: tuple[int, ...] = ()
    card: Card | None = None
    confirm: bool = False


def draft_message(
    *,
    principal: Principal,
    room: str,
    text: str,
    client_message_id: str | None = None,
    reply_to: int | None = None,
    attachments: Sequence[int] = (),
    card: tuple[str, str] | None = None,
    confirm: bool = False,
) -> Draft:
    """Check a message as far as possible without its room, and render it.

    Args:
        card: the kind and the reference of a live card.
        confirm: the user confirms calling everybody (@all) in a large room.

    Raises:
        InvalidCommand: the text is empty or too long, or another field is invalid.
        NotFound: no such card is visible to the user.
    """
    # Clients rely on this id to identify the message: an empty one would be shared by all.
    if client_message_id is not None and not 1 <= len(client_message_id) <= MAX_CLIENT_ID_LENGTH:
        raise InvalidCommand.field(
            "client_message_id",
            Reason("It has 1 to %(most)d characters.", most=MAX_CLIENT_ID_LENGTH),
        )
    if len(set(attachments)) != len(attachments) or len(attachments) > MAX_ATTACHMENTS:
        raise InvalidCommand.field(
            "attachments", Reason("At most %(most)d files, each once.", most=MAX_ATTACHMENTS)
        )
    return Draft(
        principal=principal,
        room=room,
        written=write(principal, text, may_be_empty=bool(attachments or card)),
        client_message_id=client_message_id,
        reply_to=reply_to,
        attachments=tuple(attachments),
        card=None if card is None else _card(principal, *card),
        confirm=confirm,
    )


def write(principal: Principal, source: str, *, may_be_empty: bool) -> CheckedText:
    """Check and render a text, and find the users of the workspace that it mentions.

    Raises:
        InvalidCommand: it is empty or too long.
    """
    checked = checking.check(source, may_be_empty=may_be_empty)
    rendered = markdown.read(checked)
    names = {name.lower() for name in rendered.mentions}
    everyone = markdown.EVERYONE in names
    return CheckedText(
        text=checked,
        html=rendered.html,
        mentioned=_people(principal.workspace_id, names - {markdown.EVERYONE}),
        mentions_all=everyone,
    )


def _people(workspace_id: int, names: set[str]) -> tuple[int, ...]:
    """Return the ids of the workspace's users with these names; unknown names are ignored."""
    if not names:
        return ()
    people = WorkspaceMembership.objects.filter(workspace_id=workspace_id, user__is_active=True)
    called = people.annotate(called=Lower("user__username")).filter(called__in=names)
    return tuple(called.order_by("user_id").values_list("user_id", flat=True))


def _card(principal: Principal, kind: str, reference: str) -> Card:
    state = cards.get(kind).state(principal, [reference]).get(reference)
    if state is None:
        raise NotFound.field(
            "card",
            Reason("There is no %(kind)s “%(name)s” to show.", kind=kind, name=reference[:64]),
        )
    return Card(kind, reference, state)
