"""Permission fields in the admin: only permissions of registered models, with translated names."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

VERBS = {"add": _("add"), "change": _("change"), "delete": _("delete"), "view": _("view")}


class PermissionsOfTheAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Mixin for the admin of users and groups that hides permissions which nothing checks."""

    def formfield_for_manytomany(self, db_field: Any, request: Any = None, **kwargs: Any) -> Any:
        field: Any = super().formfield_for_manytomany(db_field, request, **kwargs)
        if field is not None and db_field.remote_field.model is Permission:
            field.queryset = _of_registered_models()
            field.label_from_instance = _label
        return field


def _of_registered_models() -> QuerySet[Permission]:
    types = ContentType.objects.get_for_models(*admin.site._registry)
    permissions = Permission.objects.filter(content_type__in=types.values())
    return permissions.select_related("content_type").order_by(
        "content_type__app_label", "content_type__model", "codename"
    )


def _label(permission: Permission) -> str:
    model = permission.content_type.model_class()
    verb = permission.codename.partition("_")[0]
    if model is None or verb not in VERBS:
        return permission.name
    return f"{capfirst(str(model._meta.verbose_name_plural))}: {VERBS[verb]}"


admin.site.unregister(Group)


@admin.register(Group)
class GroupAdmin(PermissionsOfTheAdmin, DjangoGroupAdmin):
    """Groups of users with the same permissions in the admin; only superusers change them.

    Other staff could give themselves permissions by changing a group that they belong to.
    """

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_superuser)

    def has_change_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        return bool(request.user.is_superuser)

    def has_delete_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        return bool(request.user.is_superuser)
