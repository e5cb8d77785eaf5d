"""Writes entries of the audit log."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from django.db.models import Model

from accounts.audit.actions import actions
from accounts.audit.values import plain, plain_text
from accounts.models import AuditEntry, User
from realtime.acting import Actor, current
from realtime.streams.unit_of_work import within_unit_of_work

MAX_ID = 64
MAX_NAME = 200


@dataclass(frozen=True)
class Target:
    """The target of an action; `kind` is the label of its model, such as `accounts.user`."""

    kind: str
    id: str
    name: str

    @classmethod
    def of(cls, row: Model, name: str | None = None) -> Target:
        """Describe a row that is or was stored; `name` replaces a text that reveals too much."""
        text = str(row) if name is None else name
        return cls(row._meta.label_lower, str(row.pk), text)


# Recorded fields by (kind, id) of their target.
Noted = dict[tuple[str, str], set[str]]
_noted: ContextVar[Noted | None] = ContextVar("noted", default=None)


@contextmanager
def noting() -> Iterator[None]:
    """Remember what is recorded inside the block, so that it is not recorded twice."""
    token = _noted.set({})
    try:
        yield
    finally:
        _noted.reset(token)


def noted(target: Target) -> set[str] | None:
    """Return the fields of a target recorded since `noting` began; None if there was no entry."""
    return (_noted.get() or {}).get((target.kind, target.id))


def record(
    action: str,
    target: Model | Target,
    *,
    workspace_id: int | None,
    staff_only: bool = False,
    details: Mapping[str, Any] | None = None,
    by: int | None = None,
) -> AuditEntry:
    """Record an action, in the unit of work that makes the change.

    The actor and their address come from realtime.acting, which the endpoint has set.

    Args:
        action: the code of a registered action.
        target: the row that the action was done to, or its description.
        workspace_id: the workspace that it happened in, whose admins may read the entry; None if
            it belongs to no workspace, so that only site staff read it.
        staff_only: hide the entry from the workspace's admins, who may not see its subject.
        details: facts, and changed fields as returned by `audit.changes`. Values of fields whose
            names suggest secrets are hidden, long values are cut.
        by: the id of the user who acted, used if no endpoint has set an actor.

    Raises:
        RuntimeError: there is no unit of work to belong to.
        ValueError: no app has registered the action.
    """
    if not within_unit_of_work():
        raise RuntimeError("audit.record() belongs inside a unit of work.")
    if action not in actions():
        raise ValueError(f"No app has registered the action {action!r}.")
    target = Target.of(target) if isinstance(target, Model) else target
    actor = _actor(by)
    kept = {plain_text(name): plain(value, name) for name, value in (details or {}).items()}
    if (notes := _noted.get()) is not None:
        notes.setdefault((target.kind, target.id), set()).update(kept)
    return AuditEntry.objects.create(
        workspace_id=workspace_id,
        staff_only=staff_only,
        actor_id=actor.user_id,
        actor_name=actor.username,
        address=actor.address,
        action=action,
        target_kind=target.kind,
        target_id=target.id[:MAX_ID],
        target_name=plain_text(target.name, MAX_NAME),
        details=kept,
    )


def _actor(by: int | None) -> Actor:
    actor = current()
    if actor.user_id is not None or by is None:
        return actor
    name = User.objects.filter(pk=by).values_list("username", flat=True).first()
    return Actor(by, name or "", actor.address)
