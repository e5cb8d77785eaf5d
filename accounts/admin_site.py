"""The admin site: it uses Pitwall's login page and records every change in the audit log."""

from __future__ import annotations

import functools
from typing import Any

from django.conf import settings
from django.contrib.admin import AdminSite, ModelAdmin
from django.contrib.auth.decorators import login_required
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from accounts import audit
from accounts.audit.edits import edited, edited_rows
from accounts.models import Workspace
from realtime.streams.unit_of_work import unit_of_work

CODES = {
    "add": audit.action("add_object", _("Added in the admin")),
    "change": audit.action("change_object", _("Changed in the admin")),
    "delete": audit.action("delete_object", _("Deleted in the admin")),
}


class PitwallAdminSite(AdminSite):
    """Runs each request that changes something, and its audit entries, as one unit of work."""

    site_header = _("Pitwall administration")
    site_title = "Pitwall"
    index_title = _("Users, workspaces and what they own")

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        """Register models; changes through any admin class are recorded in the audit log."""
        base = admin_class or ModelAdmin
        members = {"__module__": base.__module__, "__doc__": base.__doc__}
        audited = type(base.__name__, (base, AuditedAdmin), members)
        super().register(model_or_iterable, audited, **options)

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        inner = super().admin_view(view, cacheable)

        @functools.wraps(inner)
        def audited(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            if request.method in ("GET", "HEAD", "OPTIONS"):
                return inner(request, *args, **kwargs)
            with unit_of_work(), audit.noting():
                return inner(request, *args, **kwargs)

        return audited

    def login(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Send anonymous users to the common login page; show other users that they lack access."""
        return login_required(super().login)(request, extra_context)

    def password_change(  # type: ignore[override]
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Redirect to the common page for changing a password, which also closes sockets."""
        return redirect("accounts:password_change")


class AuditedAdmin(ModelAdmin):  # type: ignore[type-arg]
    """Mixin for every registered admin class that records each add, change and delete.

    Changes that a service has already recorded are not repeated.
    """

    # Fields whose values are hidden in the audit log, in addition to password fields.
    audit_hidden: tuple[str, ...] = ()

    def audit_workspace_id(self, obj: Model) -> int | None:
        """Return the id of the workspace whose admins may read entries about `obj`."""
        if isinstance(obj, Workspace):
            return obj.pk
        return getattr(obj, "workspace_id", None)

    def construct_change_message(
        self, request: HttpRequest, form: Any, formsets: Any, add: bool = False
    ) -> Any:
        # Only this method receives the forms. Django calls log_addition or log_change right
        # after it, with the saved object.
        request._audited_forms = (form, formsets or [])  # type: ignore[attr-defined]
        return super().construct_change_message(request, form, formsets, add)

    def log_addition(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        self._record_forms(request, obj, "add")
        return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        self._record_forms(request, obj, "change")
        return super().log_change(request, obj, message)

    def log_deletions(self, request: HttpRequest, queryset: QuerySet[Any]) -> Any:
        for obj in queryset:
            self._record(obj, "delete", {})
        return super().log_deletions(request, queryset)

    def _record_forms(self, request: HttpRequest, obj: Model, verb: str) -> None:
        form, formsets = request._audited_forms  # type: ignore[attr-defined]
        self._record(obj, verb, edited(form, new=verb == "add", hidden=self.audit_hidden))
        for formset in formsets:
            for row, row_verb, details in edited_rows(formset):
                self._record(row, row_verb, details)

    def _record(self, obj: Model, verb: str, details: dict[str, Any]) -> None:
        # Names of rows may contain translated words; the log keeps them in one language.
        with translation.override(settings.LANGUAGE_CODE):
            target = audit.Target.of(obj)
        known = audit.noted(target)
        if known is not None:
            if verb != "change" or known.issuperset(details):
                return
            details = {field: change for field, change in details.items() if field not in known}
        elif verb == "change" and not details:
            return
        audit.record(
            CODES[verb], target, workspace_id=self.audit_workspace_id(obj), details=details
        )


class ReadOnlyAdmin(ModelAdmin):  # type: ignore[type-arg]
    """Base for rows that staff can view and end but not edit."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_end_permission(self, request: HttpRequest) -> bool:
        name = f"{self.opts.app_label}.change_{self.opts.model_name}"
        return bool(request.user.has_perm(name))
