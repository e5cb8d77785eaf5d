"""Models of the real-time layer: log streams and their events, leases, inboxes, live processes.

This layer sits below accounts, so it holds the ids of workspaces and users without foreign keys;
accounts' service deletes the streams of a workspace that is deleted.
"""

from __future__ import annotations

import uuid
from datetime import timedelta

from django.db import models
from django.db.models.functions import Now

# A process that has not reported for this long no longer counts as alive.
PROCESS_ALIVE = timedelta(seconds=5)


def new_epoch() -> str:
    """Return a name for one lifetime of a stream: offsets of different epochs do not compare."""
    return uuid.uuid4().hex


class Stream(models.Model):
    """One log stream: where it begins (`floor`) and ends (`head`) within its epoch.

    `user_id` is 0 for a stream of the whole workspace. Events with offset ≤ floor are gone.
    """

    workspace_id = models.BigIntegerField()
    user_id = models.BigIntegerField(default=0)
    name = models.CharField(max_length=120)
    epoch = models.CharField(max_length=32, default=new_epoch)
    head = models.BigIntegerField(default=0)
    floor = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["workspace_id", "user_id", "name"], name="realtime_stream_key"
            ),
            models.CheckConstraint(
                condition=models.Q(floor__gte=0, head__gte=models.F("floor")),
                name="realtime_stream_floor_below_head",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} (workspace {self.workspace_id}, user {self.user_id})"


class LoggedEvent(models.Model):
    """One event of a log stream: the JSON object that clients get, without the envelope.

    `subject`: the id of the object it quotes, by which it is found when that is retracted.
    """

    stream = models.ForeignKey(Stream, on_delete=models.CASCADE, related_name="events")
    offset = models.BigIntegerField()
    payload = models.TextField()
    subject = models.BigIntegerField(null=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "realtime_event"
        constraints = [
            models.UniqueConstraint(fields=["stream", "offset"], name="realtime_event_offset"),
            models.CheckConstraint(condition=models.Q(offset__gte=1), name="realtime_event_from_1"),
        ]
        indexes = [
            models.Index(fields=["created_at"], name="realtime_event_created_at"),
            models.Index(
                fields=["stream", "subject"],
                condition=models.Q(subject__isnull=False),
                name="realtime_event_subject",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.stream_id}:{self.offset}"


class Lease(models.Model):
    """The right to run one worker. `epoch` grows with each holder and fences off earlier ones."""

    name = models.CharField(max_length=64, primary_key=True)
    holder = models.CharField(max_length=64, blank=True)
    epoch = models.BigIntegerField(default=0)
    expires_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name} held by {self.holder or 'nobody'} (epoch {self.epoch})"


class InboxEntry(models.Model):
    """A command on its way to a worker, and its outcome (realtime.workers.inbox), both in JSON.

    `done_at` is null while it waits. `asker`: the process that waits for the outcome. `claimed_by`
    and `claim_epoch`: the lease of the worker that has taken it, where several share the inbox.
    """

    inbox = models.CharField(max_length=64)
    payload = models.TextField()
    key = models.CharField(max_length=120, blank=True, default="")
    asker = models.CharField(max_length=32, blank=True, default="")
    created_at = models.DateTimeField(db_default=Now())
    claimed_by = models.CharField(max_length=64, blank=True, default="")
    claim_epoch = models.BigIntegerField(null=True)
    refused = models.BooleanField(default=False)
    outcome = models.TextField(null=True)  # noqa: DJ001 - an empty text is not JSON either
    done_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "inbox entries"
        constraints = [
            models.UniqueConstraint(
                fields=["inbox", "key"],
                condition=~models.Q(key=""),
                name="realtime_inboxentry_key",
            )
        ]
        indexes = [
            # Finds waiting entries, however many are done.
            models.Index(
                fields=["inbox", "id"],
                condition=models.Q(done_at__isnull=True),
                name="realtime_inboxentry_waiting",
            )
        ]

    def __str__(self) -> str:
        return f"{self.inbox}:{self.pk}"


class Process(models.Model):
    """A process of this installation and the numbers it last reported (realtime.process.gauges)."""

    process_id = models.CharField(max_length=32, primary_key=True)
    role = models.CharField(max_length=64)
    host = models.CharField(max_length=255)
    pid = models.PositiveIntegerField()
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    values = models.JSONField(default=dict)

    class Meta:
        verbose_name_plural = "processes"

    def __str__(self) -> str:
        return f"{self.role} on {self.host} (pid {self.pid})"

    @classmethod
    def alive(cls) -> models.QuerySet[Process]:
        """Return the processes that reported within the last seconds, by the database's clock."""
        return cls.objects.filter(seen_at__gt=Now() - PROCESS_ALIVE).order_by("process_id")


class ProcessConnections(models.Model):
    """The open connections of one process as it last listed them (sessions.directory), in JSON.

    Separate from Process, whose row is written every second. `users` is the short form of the list:
    pairs of user id and workspace id, written as soon as it changes.
    """

    process = models.OneToOneField(
        Process, on_delete=models.CASCADE, primary_key=True, related_name="connections"
    )
    connections = models.TextField(default="[]")
    users = models.TextField(default="[]")
    updated_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "process connections"

    def __str__(self) -> str:
        return f"connections of process {self.process_id}"


class Presence(models.Model):
    """A user who is present in a scope, and the processes that say so (realtime.presence.store).

    `holders`: process id → null while the user is connected to it, else the time (epoch seconds)
    until which its entry still counts. `check_at`: when the first such time is over.
    """

    workspace_id = models.BigIntegerField()
    scope = models.CharField(max_length=120)
    user_id = models.BigIntegerField()
    holders = models.JSONField(default=dict)
    check_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "presences"
        constraints = [
            models.UniqueConstraint(
                fields=["workspace_id", "scope", "user_id"], name="realtime_presence_key"
            )
        ]
        indexes = [models.Index(fields=["check_at"], name="realtime_presence_check_at")]

    def __str__(self) -> str:
        return f"user {self.user_id} in {self.scope} (workspace {self.workspace_id})"
