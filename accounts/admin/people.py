"""The admin of users, workspaces, tokens and sessions. Every write goes through the services."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminPasswordChangeForm
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.forms.models import BaseInlineFormSet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext, pgettext_lazy

from accounts import services
from accounts.admin.audit import AuditEntryAdmin as AuditEntryAdmin  # registers the audit log
from accounts.admin.permissions import PermissionsOfTheAdmin
from accounts.admin.protection import GRANTS, manageable, may_manage
from accounts.admin_site import ReadOnlyAdmin
from accounts.models import ApiToken, Membership, RefreshToken, Role, User, UserSession, Workspace
from accounts.templatetags.devices import device_name

STATES = {
    "active": pgettext_lazy("token", "active"),
    "expired": pgettext_lazy("token", "expired"),
    "revoked": pgettext_lazy("token", "revoked"),
}


class PasswordForm(AdminPasswordChangeForm):  # type: ignore[type-arg]
    """The form in which an administrator sets or removes a user's password."""

    def save(self, commit: bool = True) -> User:
        services.change_password(user=self.user, password=self.cleaned_data["password1"] or None)
        user: User = self.user
        return user


@admin.register(User)
class UserAdmin(PermissionsOfTheAdmin, DjangoUserAdmin):  # type: ignore[type-arg]
    """Users are deactivated, not deleted, so that what they wrote keeps its author."""

    change_password_form = PasswordForm
    list_display = ("username", "email", "is_active", "is_staff", "last_seen_at")
    list_filter = ("is_active", "is_staff", "memberships__workspace")
    readonly_fields = ("last_login", "date_joined", "last_seen_at")
    actions = ("deactivate", "clear_failed_logins")

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        services.save_user(user=obj, changed=form.changed_data if change else [])

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        # Django's page for setting a password checks this too.
        allowed = super().has_change_permission(request, obj)
        return allowed and (obj is None or may_manage(request.user, obj))

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        fields = super().get_readonly_fields(request, obj)
        return fields if request.user.is_superuser else (*fields, *GRANTS)

    @admin.action(
        description=_("Deactivate: sign out everywhere and refuse"), permissions=["change"]
    )
    def deactivate(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        users = manageable(request, queryset.exclude(username=request.user.get_username()))
        for user in users:
            services.deactivate_user(user=user)
        _say(
            request,
            ngettext("%(n)d user deactivated.", "%(n)d users deactivated.", len(users)),
            len(users),
        )

    @admin.action(description=_("Let them try to sign in again"), permissions=["change"])
    def clear_failed_logins(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        users = manageable(request, queryset)
        cleared = sum(services.clear_tries(user=user) for user in users)
        _say(
            request,
            ngettext("%(n)d lockout record cleared.", "%(n)d lockout records cleared.", cleared),
            cleared,
        )


class MembershipForm(forms.ModelForm):  # type: ignore[type-arg]
    """Edits a member's role; the user of a membership cannot be changed."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["user"].disabled = self.instance.pk is not None


class MembershipFormSet(BaseInlineFormSet):  # type: ignore[type-arg]
    """Refuses changes that leave a workspace without an owner or give staff rights they lack."""

    actor: Any = None

    def clean(self) -> None:
        super().clean()
        had_owner = any(form.initial.get("role") == Role.OWNER for form in self.initial_forms)
        keeps_owner = any(
            form.cleaned_data.get("role") == Role.OWNER and not form.cleaned_data.get("DELETE")
            for form in self.forms
            if getattr(form, "cleaned_data", None)
        )
        if had_owner and not keeps_owner:
            raise ValidationError(_("A workspace keeps at least one owner."))
        for form in self.forms:
            if form.has_changed() and not self._may_change(form):
                raise ValidationError(
                    _("Only a superuser may change memberships of superusers or of oneself.")
                )

    def _may_change(self, form: Any) -> bool:
        user = getattr(form, "cleaned_data", {}).get("user")
        return user is None or may_manage(self.actor, user)


class MembershipInline(admin.TabularInline):  # type: ignore[type-arg]
    model = Membership
    form = MembershipForm
    formset = MembershipFormSet
    fields = ("user", "role", "is_default")
    readonly_fields = ("is_default",)
    extra = 0

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        formset = super().get_formset(request, obj, **kwargs)
        return type(formset.__name__, (formset,), {"actor": request.user})


@admin.register(Workspace)
class WorkspaceAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Workspaces with their members."""

    list_display = ("name", "slug", "created_at")
    search_fields = ("name", "slug")
    inlines = (MembershipInline,)

    def get_readonly_fields(self, request: HttpRequest, obj: Workspace | None = None) -> Any:
        return ("slug",) if obj else ()

    def has_delete_permission(self, request: HttpRequest, obj: Workspace | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Workspace, form: Any, change: bool) -> None:
        if change:
            services.rename_workspace(workspace_id=obj.pk, name=obj.name)
            return
        obj.pk = services.create_workspace(slug=obj.slug, name=obj.name).pk
        obj._state.adding = False

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        formset.save(commit=False)
        for membership in formset.new_objects:
            membership.pk = services.add_member(
                workspace_id=membership.workspace_id,
                user_id=membership.user_id,
                role=membership.role,
            ).pk
        changed = [membership for membership, _fields in formset.changed_objects]
        # Promotions come before demotions, so that the workspace always has an owner.
        for membership in sorted(changed, key=lambda member: member.role != Role.OWNER):
            services.change_role(membership_id=membership.pk, role=membership.role)
        for membership in formset.deleted_objects:
            services.remove_member(membership_id=membership.pk)


@admin.register(ApiToken)
class ApiTokenAdmin(ReadOnlyAdmin):
    """Lists and revokes tokens. Users create them; their secrets are not stored."""

    list_display = (
        "name", "prefix", "user", "workspace", "token_state", "last_used_at", "expires_at",
    )  # fmt: skip
    list_filter = ("workspace",)
    search_fields = ("name", "prefix", "user__username")
    exclude = ("hash",)
    actions = ("revoke",)

    @admin.display(description=_("state"))
    def token_state(self, token: ApiToken) -> str:
        return str(STATES[token.state()])

    @admin.action(description=_("Revoke"), permissions=["end"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiToken]) -> None:
        active = queryset.filter(revoked_at=None).select_related("user")
        tokens = manageable(request, active, "user")
        for token in tokens:
            services.revoke_token(token_id=token.pk)
        n = len(tokens)
        _say(request, ngettext("%(n)d token revoked.", "%(n)d tokens revoked.", n), n)


@admin.register(UserSession)
class UserSessionAdmin(ReadOnlyAdmin):
    """Lists sessions and ends them."""

    list_display = ("user", "device", "address", "last_seen_at", "created_at")
    search_fields = ("user__username", "address")
    exclude = ("session",)
    actions = ("end",)

    @admin.display(description=_("device"))
    def device(self, session: UserSession) -> str:
        return device_name(session.user_agent)

    @admin.action(description=_("Sign out"), permissions=["end"])
    def end(self, request: HttpRequest, queryset: QuerySet[UserSession]) -> None:
        sessions = manageable(request, queryset.select_related("user"), "user")
        for session in sessions:
            services.end_session(session_id=session.pk)
        n = len(sessions)
        _say(request, ngettext("%(n)d session ended.", "%(n)d sessions ended.", n), n)


@admin.register(RefreshToken)
class RefreshTokenAdmin(ReadOnlyAdmin):
    """Lists programs that signed in with a password, and signs them out."""

    list_display = ("user", "device", "address", "last_used_at", "created_at", "expires_at")
    search_fields = ("user__username", "address")
    exclude = ("jti",)
    actions = ("end",)

    @admin.display(description=_("device"))
    def device(self, token: RefreshToken) -> str:
        return device_name(token.user_agent)

    @admin.action(description=_("Sign out"), permissions=["end"])
    def end(self, request: HttpRequest, queryset: QuerySet[RefreshToken]) -> None:
        tokens = manageable(request, queryset.select_related("user"), "user")
        for token in tokens:
            services.end_refresh_token(token_id=token.pk)
        n = len(tokens)
        _say(request, ngettext("%(n)d session ended.", "%(n)d sessions ended.", n), n)


def _say(request: HttpRequest, text: str, count: int) -> None:
    messages.success(request, text % {"n": count})
