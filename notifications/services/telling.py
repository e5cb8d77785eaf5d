"""Notifying users: by the system, or by users and programs that are allowed to."""

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

# A path of this site or a web address, and nothing that a browser would execute.
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
    """Send users a notification, at once to those who are connected.

    Skips users who are not active members of the workspace. Truncates texts that are too long.

    Args:
        kind: a registered kind (notifications.kinds).
        link: a path of this site or an http(s) address with details.
        dedupe_key: skips users who already have a notification with this key.
        subject: the subject, by which the notification can be marked as read or retracted.
        subject_sequence: the place in the subject, if it has an order.

    Returns the notifications that were created.

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
    """Notify one member of the principal's workspace, or a whole audience.

    Args:
        audience: `everybody`, or a role: all members who have it.

    Raises:
        PermissionDenied: the principal's role may not send notifications.
        InvalidCommand: neither or both of `user_id` and `audience` are given, the audience is
            unknown, or the link is not valid.
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
    """Check that a link is safe to follow; it may be empty.

    Raises:
        InvalidCommand: it is neither a path of this site nor an http(s) address, or is too long.
    """
    if link and (len(link) > MAX_LINK or not _LINK.match(link)):
        raise InvalidCommand.field(
            "link", "A link is a path that starts with / or an http(s) address."
        )


def _members(workspace_id: int, user_ids: Iterable[int]) -> list[int]:
    """Return the ids of the users who are active members, in ascending order."""
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
    """Insert the notifications whose user does not have their key yet; returns those."""
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
            # Another transaction inserted one of them: now it is committed, and the retry sees it.
            continue
    return []


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"
