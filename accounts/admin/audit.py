"""The admin's page of the audit log."""

from __future__ import annotations

from operator import itemgetter
from typing import Any

from django.apps import apps
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts import audit
from accounts.admin_site import ReadOnlyAdmin
from accounts.models import AuditEntry


class ActionFilter(admin.SimpleListFilter):
    """Filters entries by action, showing its label."""

    title = _("action")
    parameter_name = "action"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return sorted(((code, audit.label_of(code)) for code in audit.actions()), key=itemgetter(1))

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[AuditEntry]
    ) -> QuerySet[AuditEntry]:
        return queryset.filter(action=self.value()) if self.value() else queryset


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    """The audit log, read-only."""

    list_display = ("at", "workspace", "actor", "what", "kind", "target_name", "address")
    list_filter = (ActionFilter, ("workspace", admin.RelatedOnlyFieldListFilter), "at")
    list_select_related = ("workspace",)
    search_fields = ("actor_name", "target_kind", "target_name", "=target_id", "=address")
    fields = (
        "at", "workspace", "actor", "actor_id", "address", "what", "action", "kind", "target_kind",
        "target_id", "target_name", "details",
    )  # fmt: skip
    readonly_fields = ("actor", "what", "kind")
    show_full_result_count = False

    @admin.display(description=_("actor"), ordering="actor_name")
    def actor(self, entry: AuditEntry) -> str:
        if entry.actor_id is None:
            return gettext("System") if entry.address is None else gettext("Not signed in")
        return entry.actor_name

    @admin.display(description=_("what"), ordering="action")
    def what(self, entry: AuditEntry) -> str:
        return audit.label_of(entry.action)

    @admin.display(description=_("kind"), ordering="target_kind")
    def kind(self, entry: AuditEntry) -> str:
        try:
            return str(apps.get_model(entry.target_kind)._meta.verbose_name)
        except (LookupError, ValueError):
            return entry.target_kind
