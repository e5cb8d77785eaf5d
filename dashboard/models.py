"""Models of metrics, sources, series, samples and rollups.

A metric has one or more series, told apart by their tags; a series has samples, and a rollup for
each minute that has any. All belong to a workspace through their metric.

`Sample` and `Rollup` have no foreign key constraint and no cascade: a series of a million samples
is deleted at once, and the `retention` worker removes its rows in small batches.
"""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User, Workspace
from dashboard.protocol import MAX_NAME_LENGTH, METRIC_NAME
from dashboard.samples import instants

metric_name = RegexValidator(
    rf"\A{METRIC_NAME}\Z",
    _("Use a-z, 0-9 and _, starting with a letter."),
)
DEFAULT_RAW_HOURS = 24
DEFAULT_ROLLUP_DAYS = 30


class Metric(models.Model):
    """A quantity that a workspace measures, with its unit and the retention of its samples.

    `raw_from` (microseconds since the epoch): raw samples before it are removed or about to be, so
    that their rollups cannot be recomputed; nothing earlier is written any more.
    `decimals_stated`: a source or an administrator says how many there are; otherwise they grow
    with what the values need.
    """

    class Group(models.TextChoices):
        SYSTEM = "system", _("System")
        BUSINESS = "business", _("Business")
        CUSTOM = "custom", _("Custom")

    workspace = models.ForeignKey(
        Workspace, on_delete=models.CASCADE, related_name="metrics", verbose_name=_("workspace")
    )
    name = models.CharField(_("name"), max_length=MAX_NAME_LENGTH, validators=[metric_name])
    title = models.CharField(_("title"), max_length=100, blank=True)
    group = models.CharField(_("group"), max_length=10, choices=Group.choices, default=Group.CUSTOM)
    unit = models.CharField(_("unit"), max_length=16, blank=True)
    decimals = models.PositiveSmallIntegerField(
        _("decimals"), default=1, validators=[MaxValueValidator(6)]
    )
    decimals_stated = models.BooleanField(default=False, editable=False)
    raw_hours = models.PositiveIntegerField(
        _("keep samples for (hours)"),
        default=DEFAULT_RAW_HOURS,
        validators=[MinValueValidator(1), MaxValueValidator(24 * 366)],
    )
    rollup_days = models.PositiveIntegerField(
        _("keep minutes for (days)"),
        default=DEFAULT_ROLLUP_DAYS,
        validators=[MinValueValidator(1), MaxValueValidator(3660)],
        help_text=_("Count, minimum, maximum and mean of each minute."),
    )
    raw_from = models.BigIntegerField(default=0, editable=False)
    created_by = models.ForeignKey(
        User,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        verbose_name=_("made by"),
    )
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("metric")
        verbose_name_plural = _("metrics")
        ordering = ["workspace", "group", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "name"], name="dashboard_metric_name_once_per_workspace"
            ),
            models.CheckConstraint(
                condition=models.Q(group__in=["system", "business", "custom"]),
                name="dashboard_metric_group_known",
            ),
            models.CheckConstraint(
                condition=models.Q(raw_hours__gte=1, rollup_days__gte=1),
                name="dashboard_metric_retention_positive",
            ),
            models.CheckConstraint(
                condition=models.Q(decimals__lte=6), name="dashboard_metric_decimals_at_most_six"
            ),
        ]

    def __str__(self) -> str:
        return self.title or self.name

    @property
    def display_title(self) -> str:
        """The title as users see it: `title`, or else the name as words."""
        return self.title or self.name.replace("_", " ").capitalize()


class Source(models.Model):
    """A source that a worker collects readings from, at its own interval.

    `name` never changes after creation: it is a tag of the source's series.
    """

    class State(models.TextChoices):
        NEW = "new", _("not run yet")
        OK = "ok", _("working")
        FAILING = "failing", _("failing")

    workspace = models.ForeignKey(
        Workspace, on_delete=models.CASCADE, related_name="sources", verbose_name=_("workspace")
    )
    name = models.CharField(_("name"), max_length=64, validators=[metric_name])
    kind = models.CharField(_("kind"), max_length=20)
    interval_seconds = models.PositiveIntegerField(
        _("interval (seconds)"),
        default=1,
        validators=[MinValueValidator(1), MaxValueValidator(86_400)],
    )
    enabled = models.BooleanField(_("enabled"), default=True)
    state = models.CharField(
        _("state"), max_length=10, choices=State.choices, default=State.NEW, editable=False
    )
    last_run_at = models.DateTimeField(_("last run"), null=True, blank=True, editable=False)
    last_error = models.CharField(_("last error"), max_length=300, blank=True, editable=False)
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("source")
        verbose_name_plural = _("sources")
        ordering = ["workspace", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "name"], name="dashboard_source_name_once_per_workspace"
            ),
            models.CheckConstraint(
                condition=models.Q(interval_seconds__gte=1),
                name="dashboard_source_interval_positive",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.kind})"


class Series(models.Model):
    """The samples of one metric that share their tags; `tags_key` is the tags' hash.

    A metric's live value is that of its first series, with measured series before simulated ones,
    then by id (`selectors.live_series`).
    """

    metric = models.ForeignKey(
        Metric, on_delete=models.CASCADE, related_name="series", verbose_name=_("metric")
    )
    source = models.ForeignKey(
        Source,
        on_delete=models.SET_NULL,
        related_name="series",
        null=True,
        blank=True,
        verbose_name=_("source"),
        help_text=_("Empty: pushed over the API."),
    )
    tags = models.JSONField(_("tags"), default=dict, blank=True)
    tags_key = models.CharField(max_length=32, editable=False)
    simulated = models.BooleanField(_("simulated"), default=False)
    created_by = models.ForeignKey(
        User,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        verbose_name=_("made by"),
    )
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("series")
        verbose_name_plural = _("series")
        ordering = ["metric", "simulated", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["metric", "tags_key"], name="dashboard_series_tags_once_per_metric"
            ),
        ]

    def __str__(self) -> str:
        tags = ", ".join(f"{name}={value}" for name, value in self.tags.items())
        return f"{self.metric} {{{tags}}}"


class Sample(models.Model):
    """One value at one time. The primary key is the only index: by series, then by time."""

    pk = models.CompositePrimaryKey("series_id", "at")
    series = models.ForeignKey(
        Series,
        on_delete=models.DO_NOTHING,
        related_name="samples",
        db_constraint=False,
        db_index=False,
    )
    at = models.BigIntegerField()
    value = models.FloatField()

    def __str__(self) -> str:
        return f"{instants.rfc3339(self.at)} {self.value}"


class Rollup(models.Model):
    """The aggregate of one minute's samples; `minute` counts from the epoch.

    Computed from the stored samples, in the transaction that writes them: stays exact after late
    samples and corrections.
    """

    pk = models.CompositePrimaryKey("series_id", "minute")
    series = models.ForeignKey(
        Series,
        on_delete=models.DO_NOTHING,
        related_name="rollups",
        db_constraint=False,
        db_index=False,
    )
    minute = models.BigIntegerField()
    count = models.PositiveIntegerField()
    min = models.FloatField()
    max = models.FloatField()
    sum = models.FloatField()
    last = models.FloatField()
    last_at = models.BigIntegerField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(count__gte=1, min__lte=models.F("max")),
                name="dashboard_rollup_has_samples",
            ),
        ]

    def __str__(self) -> str:
        return f"{instants.rfc3339(self.minute * instants.MINUTE)} {self.min} to {self.max}"
