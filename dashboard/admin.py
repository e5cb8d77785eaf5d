"""Admin pages of metrics, sources and series. Writes that clients hear of go through services."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from dashboard import services
from dashboard.models import Metric, Series, Source
from dashboard.source_kinds import kinds

if TYPE_CHECKING:
    BaseMetricAdmin = admin.ModelAdmin[Metric]
    BaseSourceAdmin = admin.ModelAdmin[Source]
    BaseSeriesAdmin = admin.ModelAdmin[Series]
    BaseSourceForm = forms.ModelForm[Source]
else:  # at run time these classes take no parameters
    BaseMetricAdmin = BaseSourceAdmin = BaseSeriesAdmin = admin.ModelAdmin
    BaseSourceForm = forms.ModelForm


@admin.register(Metric)
class MetricAdmin(BaseMetricAdmin):
    list_display = [
        "name",
        "title",
        "workspace",
        "group",
        "unit",
        "raw_hours",
        "rollup_days",
        "created_by",
    ]
    list_filter = ["workspace", "group"]
    list_select_related = ["workspace", "created_by"]
    search_fields = ["name", "title"]

    def get_readonly_fields(self, request: HttpRequest, obj: Metric | None = None) -> list[str]:
        # Clients identify a metric by its name, and its samples are in one workspace.
        return ["workspace", "name"] if obj else []

    def save_model(self, request: HttpRequest, obj: Metric, form: Any, change: bool) -> None:
        if not change or "decimals" in form.changed_data:
            obj.decimals_stated = True
        services.save_metric(metric=obj)

    def delete_model(self, request: HttpRequest, obj: Metric) -> None:
        self.delete_queryset(request, Metric.objects.filter(pk=obj.pk))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Metric]) -> None:
        services.delete_metrics(metrics=queryset)


class SourceForm(BaseSourceForm):
    """Offers the registered kinds."""

    kind = forms.ChoiceField(label=_("kind"))

    class Meta:
        model = Source
        fields = ["workspace", "name", "kind", "interval_seconds", "enabled"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "kind" in self.fields:
            choices = [(kind.name, kind.title) for kind in kinds()]
            self.fields["kind"].choices = choices  # type: ignore[attr-defined]


class KindFilter(admin.SimpleListFilter):
    """Filters sources by kind, listed by title."""

    title = _("kind")
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(kind.name, kind.title) for kind in kinds()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Source]) -> QuerySet[Source]:
        return queryset.filter(kind=self.value()) if self.value() else queryset


@admin.register(Source)
class SourceAdmin(BaseSourceAdmin):
    form = SourceForm
    list_display = [
        "name", "workspace", "kind_title", "interval_seconds", "enabled", "state", "last_run_at",
        "last_error",
    ]  # fmt: skip
    list_filter = ["workspace", KindFilter, "enabled", "state"]
    list_select_related = ["workspace"]

    def get_readonly_fields(self, request: HttpRequest, obj: Source | None = None) -> list[str]:
        shown = ["state", "last_run_at", "last_error"]
        return ["workspace", "name", "kind_title", *shown] if obj else shown

    def get_fields(self, request: HttpRequest, obj: Source | None = None) -> Any:
        fields = super().get_fields(request, obj)
        # An existing source keeps its kind: only its title is shown.
        return [name for name in fields if name != "kind"] if obj else fields

    @admin.display(description=_("kind"), ordering="kind")
    def kind_title(self, source: Source) -> str:
        titles = {kind.name: str(kind.title) for kind in kinds()}
        return titles.get(source.kind, source.kind)

    def save_model(self, request: HttpRequest, obj: Source, form: SourceForm, change: bool) -> None:
        services.save_source(source=obj)


@admin.register(Series)
class SeriesAdmin(BaseSeriesAdmin):
    """Lists series, and can delete them; the retention worker then removes their samples."""

    list_display = [
        "metric",
        "workspace",
        "tags",
        "source",
        "simulated",
        "created_by",
        "created_at",
    ]
    list_filter = ["metric__workspace", "simulated"]
    list_select_related = ["metric__workspace", "source", "created_by"]
    search_fields = ["metric__name"]

    @admin.display(description=_("workspace"))
    def workspace(self, series: Series) -> str:
        return series.metric.workspace.name

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Series | None = None) -> bool:
        return False
