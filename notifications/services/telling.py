"""Telling users something: by the system, or by people and programs that may."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal

from django.db import IntegrityError, transaction

from accounts.models import Membership, Role
from accounts.policy import Action, require
from notifications import kinds
from notifications.models import MAX_LINK, MAX_MESSAGE, MAX_TITLE, Notification, Severity
from notifications.services.delivery import deliver
from notifications.subjects import Subject
from realtime.auth import Principal
from realtime.errors import InvalidCommand, NotFound, Reason
from realtime.streams.unit_of_work import unit_of_work

EVERYBODY = "everybody"
Audience = Literal["everybody", "owner", "admin", "member", "viewer"]
AUDIENCES: tuple[str, ...] = (EVERYBODY, *Role.values)

# A path of this site, or an address of the web: nothing that a browser would run.
_LINK = re.compile(r"\A(?:/(?![/\\])|https?://[^\s/\\])[^\s\x00-\x1f\\]*\Z", re.IGNORECASE)
MAX_ATTEMPTS = 5


@unit_of_work
def notify(
    *,
    workspace_id: int,
    user_ids: Iterable[int],
    kind: str,
    title: str,
    message: str = "",
    severity: str = Severity.INFO,
    link: str = "",
    dedupe_key: str = "",
    subject: Subject | None = None,
    subject_sequence: int | None = None,
) -> list[Notification]:
    """Tell users something, at once wherever they are connected.

    Skips users who are not active members of the workspace. Cuts texts that are too long.

    Args:
        kind: a registered kind (notifications.kinds).
        link: a path of this site or an http(s) address that tells more.
        dedupe_key: a user who was told something under this key before is not told again.
        subject: what it is about, by which it can be marked as read or taken back.
        subject_sequence: the place in the subject, where it has an order.

    Returns the notifications that were made.

    Raises:
        ValueError: the kind is not registered, the severity is unknown, or there is a sequence
            without a subject: the caller's mistake.
        InvalidCommand: the link is neither a path nor an http(s) address.
    """
    if kind not in kinds.kinds():
        raise ValueError(f"No app has registered the kind {kind!r}.")
    if severity not in Severity.values:
        raise ValueError(f"There is no severity {severity!r}.")
    if subject is None and subject_sequence is not None:
        raise ValueError("A sequence belongs to a subject.")
    check_link(link)
    told = [
        Notification(
            workspace_id=workspace_id,
            user_id=user_id,
            kind=kind,
            title=_cut(title, MAX_TITLE),
            message=_cut(message, MAX_MESSAGE),
            severity=severity,
            link=link,
            dedupe_key=dedupe_key,
            subject_kind=subject.kind if subject else "",
            subject_id=subject.id if subject else None,
            subject_sequence=subject_sequence,
        )
        for user_id in _members(workspace_id, user_ids)
    ]
    made = _store(told)
    deliver(made)
    return made


def send(
    *,
    principal: Principal,
    title: str,
    message: str = "",
    severity: str = Severity.INFO,
    link: str = "",
    user_id: int | None = None,
    audience: str | None = None,
) -> list[Notification]:
    """Tell one member of the principal's workspace something, or a whole audience.

    Args:
        audience: `everybody`, or a role: everybody who has it.

    Raises:
        PermissionDenied: the principal's role may not send notifications.
        InvalidCommand: neither `user_id` nor `audience`, or both; or the link is none.
        NotFound: there is no such member.
    """
    require(principal, Action.SEND_NOTIFICATIONS)
    if (user_id is None) == (audience is None):
        reason = "Give either a user_id or an audience."
        raise InvalidCommand(reason, errors={"user_id": [reason], "audience": [reason]})
    check_link(link)
    with unit_of_work():
        made = notify(
            workspace_id=principal.workspace_id,
            user_ids=[user_id] if user_id is not None else _audience(principal, audience or ""),
            kind=kinds.MESSAGE,
            title=title,
            message=message,
            severity=severity,
            link=link,
        )
        if user_id is not None and not made:
            raise NotFound("There is no such member.")
    return made


def check_link(link: str) -> None:
    """Let a link pass that is safe to follow; empty: none.

    Raises:
        InvalidCommand: it is neither a path of this site nor an http(s) address, or too long.
    """
    if link and (len(link) > MAX_LINK or not _LINK.match(link)):
        raise InvalidCommand.field(
            "link", "A link is a path that starts with / or an http(s) address."
        )


def _members(workspace_id: int, user_ids: Iterable[int]) -> list[int]:
    """Those of the users who are active members, in the order of their ids."""
    members = Membership.objects.filter(
        workspace_id=workspace_id, user_id__in=set(user_ids), user__is_active=True
    )
    return sorted(members.values_list("user_id", flat=True))


def _audience(principal: Principal, audience: str) -> list[int]:
    if audience not in AUDIENCES:
        raise InvalidCommand.field(
            "audience", Reason("An audience is one of %(known)s.", known=", ".join(AUDIENCES))
        )
    members = Membership.objects.filter(workspace_id=principal.workspace_id)
    if audience != EVERYBODY:
        members = members.filter(role=audience)
    return list(members.values_list("user_id", flat=True))


def _store(told: list[Notification]) -> list[Notification]:
    """Insert those whose key their user has not had yet."""
    if not told or not told[0].dedupe_key:
        return Notification.objects.bulk_create(told)
    for _attempt in range(MAX_ATTEMPTS):
        had = set(
            Notification.objects.filter(
                workspace_id=told[0].workspace_id,
                dedupe_key=told[0].dedupe_key,
                user_id__in=[each.user_id for each in told],
            ).values_list("user_id", flat=True)
        )
        fresh = [each for each in told if each.user_id not in had]
        try:
            with transaction.atomic():
                return Notification.objects.bulk_create(fresh)
        except IntegrityError:
            # Somebody told one of them the same meanwhile: it is committed now, and seen.
            continue
    return []


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"
