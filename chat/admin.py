"""Admin pages of rooms: their settings and members, not their messages.

Every write goes through the services, so that clients are notified.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from chat import services
from chat.models import Membership, Restriction, Room

if TYPE_CHECKING:
    BaseRoomAdmin = admin.ModelAdmin[Room]
    BaseMembershipInline = admin.TabularInline[Membership, Room]
    BaseRestrictionAdmin = admin.ModelAdmin[Restriction]
else:  # at run time these classes take no parameters
    BaseRoomAdmin = admin.ModelAdmin
    BaseMembershipInline = admin.TabularInline
    BaseRestrictionAdmin = admin.ModelAdmin


class MembershipInline(BaseMembershipInline):
    """Members of the room, read-only: the room's own members manage them."""

    model = Membership
    fields = ["user", "role", "muted_until", "joined_at"]
    readonly_fields = ["user", "role", "muted_until", "joined_at"]
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Room)
class RoomAdmin(BaseRoomAdmin):
    """Name, topic and message retention of rooms. Users create and delete rooms, not admins."""

    list_display = [
        "slug", "name", "workspace", "kind", "messages_so_far", "retention_days", "archived_at",
        "deleted_at",
    ]  # fmt: skip
    list_filter = ["workspace", "kind"]
    list_select_related = ["workspace"]
    search_fields = ["slug", "name"]
    fields = [
        "workspace", "slug", "name", "topic", "kind", "retention_days", "created_at",
        "archived_at", "deleted_at",
    ]  # fmt: skip
    readonly_fields = ["workspace", "slug", "kind", "created_at", "archived_at", "deleted_at"]
    inlines = [MembershipInline]

    @admin.display(description=_("messages so far"), ordering="head_sequence")
    def messages_so_far(self, room: Room) -> int:
        return room.head_sequence

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Room | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Room, form: Any, change: bool) -> None:
        by = request.user.pk
        assert by is not None
        services.save_room(room=obj, changed=form.changed_data, by=by)


@admin.register(Restriction)
class RestrictionAdmin(BaseRestrictionAdmin):
    """Moderation that is kept of users who are not members; deleting a row lifts it."""

    list_display = ["user", "room", "role", "muted_until", "removed", "created_at"]
    list_filter = ["room__workspace", "removed"]
    list_select_related = ["user", "room"]
    search_fields = ["user__username", "room__slug"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Restriction | None = None) -> bool:
        return False

    def delete_model(self, request: HttpRequest, obj: Restriction) -> None:
        assert request.user.pk is not None
        services.lift(restriction=obj, by=request.user.pk)

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        for restriction in queryset.select_related("user", "room"):
            self.delete_model(request, restriction)
