"""The admin: notifications, read-only, and announcements, which are sent when saved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from notifications import kinds, services
from notifications.models import Announcement, Notification

if TYPE_CHECKING:
    BaseNotificationAdmin = admin.ModelAdmin[Notification]
    BaseAnnouncementAdmin = admin.ModelAdmin[Announcement]
else:  # at run time these classes take no parameters
    BaseNotificationAdmin = BaseAnnouncementAdmin = admin.ModelAdmin


class KindFilter(admin.SimpleListFilter):
    """Notifications of one kind, by its label."""

    title = _("kind")
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return list(kinds.kinds().items())

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[Notification]
    ) -> QuerySet[Notification]:
        return queryset.filter(kind=self.value()) if self.value() else queryset


@admin.register(Notification)
class NotificationAdmin(BaseNotificationAdmin):
    """Notifications, read-only: open pages would not learn of changes made here."""

    list_display = ["title", "user", "workspace", "label", "severity", "created_at", "read_at"]
    list_filter = ["workspace", KindFilter, "severity"]
    fields = [
        "workspace", "user", "label", "title", "message", "severity", "link", "created_at",
        "read_at",
    ]  # fmt: skip
    readonly_fields = ["label"]
    list_select_related = ["user", "workspace"]
    search_fields = ["title", "message", "user__username"]
    date_hierarchy = "created_at"

    @admin.display(description=_("kind"), ordering="kind")
    def label(self, notification: Notification) -> str:
        return str(kinds.kinds().get(notification.kind, notification.kind))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Notification | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Notification | None = None) -> bool:
        return False


@admin.register(Announcement)
class AnnouncementAdmin(BaseAnnouncementAdmin):
    """Announcements: saving one sends it, and it cannot be changed afterwards."""

    list_display = ["message", "severity", "workspace", "author", "created_at"]
    list_filter = ["workspace", "severity"]
    list_select_related = ["workspace", "author"]
    readonly_fields = ["author", "created_at"]

    def has_change_permission(self, request: HttpRequest, obj: Announcement | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Announcement, form: Any, change: bool) -> None:
        assert isinstance(request.user, User)
        obj.author = request.user
        services.announce(announcement=obj)
