"""Drafts: messages are checked and rendered before any row is locked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Exists, OuterRef

from accounts.models import Membership as WorkspaceMembership
from chat.models import Membership, Room, RoomKind
from chat.protocol import MAX_ATTACHMENTS, MAX_CLIENT_ID_LENGTH
from chat.text import checking, markdown, mentions
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
        written=write(principal, room, text, may_be_empty=bool(attachments or card)),
        client_message_id=client_message_id,
        reply_to=reply_to,
        attachments=tuple(attachments),
        card=None if card is None else _card(principal, *card),
        confirm=confirm,
    )


def write(principal: Principal, room: str, source: str, *, may_be_empty: bool) -> CheckedText:
    """Check and render a text, and find the users among the room's readers that it mentions.

    Raises:
        InvalidCommand: it is empty or too long.
    """
    checked = checking.check(source, may_be_empty=may_be_empty)
    people = _people(principal.workspace_id, room, mentions.candidates(checked))
    rendered = markdown.read(checked, {*people, mentions.EVERYONE})
    called = {people[name] for name in rendered.mentions if name in people}
    return CheckedText(
        text=checked,
        html=rendered.html,
        mentioned=tuple(sorted(called)),
        mentions_all=mentions.EVERYONE in rendered.mentions,
    )


def preview_message(*, principal: Principal, text: str) -> str:
    """Return the HTML of a text as a message in a public room; nothing is stored.

    Raises:
        InvalidCommand: it is too long.
    """
    checked = checking.check(text, may_be_empty=True)
    people = _people(principal.workspace_id, None, mentions.candidates(checked))
    return markdown.render(checked, {*people, mentions.EVERYONE})


def _people(workspace_id: int, room: str | None, names: set[str]) -> dict[str, int]:
    """Return the ids of users by folded name: of the room's readers, if one is given.

    Unknown names are not in it: they stay plain text.
    """
    names = names - {mentions.EVERYONE}
    if not names:
        return {}
    people = WorkspaceMembership.objects.filter(workspace_id=workspace_id, user__is_active=True)
    if room is not None:
        there = Room.objects.filter(workspace_id=workspace_id, slug=room)
        theirs = Membership.objects.filter(room__in=there, user_id=OuterRef("user_id"))
        people = people.filter(Exists(there.filter(kind=RoomKind.PUBLIC)) | Exists(theirs))
    called = people.filter(user__folded__in=names)
    return dict(called.values_list("user__folded", "user_id"))


def _card(principal: Principal, kind: str, reference: str) -> Card:
    state = cards.get(kind).state(principal, [reference]).get(reference)
    if state is None:
        raise NotFound.field(
            "card",
            Reason("There is no %(kind)s “%(name)s” to show.", kind=kind, name=reference[:64]),
        )
    return Card(kind, reference, state)
