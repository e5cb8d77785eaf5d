"""Signing in and out, passwords, and the settings: profile, security, API tokens."""

from __future__ import annotations

import math
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout, update_session_auth_hash
from django.contrib.auth import views as auth_views
from django.contrib.auth.decorators import login_required
from django.forms import BaseForm
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse_lazy
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import selectors, services
from accounts.login import passwords
from accounts.login.forms import (
    ChangePasswordForm,
    LoginForm,
    ProfileForm,
    ResetForm,
    TokenForm,
)
from accounts.login.lockout import client_address, explain
from accounts.login.requests import SignedInRequest
from accounts.services import LockedOut
from realtime.acting import Actor, acting
from realtime.errors import AppError, Conflict, NotFound

PROFILE, SECURITY, TOKENS = "accounts:profile", "accounts:security", "accounts:tokens"


class LoginView(auth_views.LoginView):
    """Sign in; the session ends with the browser unless the user chose to stay signed in."""

    template_name = "accounts/login.html"
    authentication_form = LoginForm
    redirect_authenticated_user = True

    def form_valid(self, form: Any) -> HttpResponse:
        response = super().form_valid(form)
        remember = form.cleaned_data["remember"]
        self.request.session.set_expiry(settings.SESSION_COOKIE_AGE if remember else 0)
        return response

    def form_invalid(self, form: Any) -> HttpResponse:
        return _refused(super().form_invalid(form), form.refusal)


class PasswordChangeView(auth_views.PasswordChangeView):
    """Change the password: every other login with the old one ends."""

    template_name = "registration/password_change_form.html"
    form_class = ChangePasswordForm
    success_url = reverse_lazy(SECURITY)

    def get_form_kwargs(self) -> dict[str, Any]:
        return super().get_form_kwargs() | {"request": self.request}

    def form_invalid(self, form: Any) -> HttpResponse:
        return _refused(super().form_invalid(form), form.refusal)

    def form_valid(self, form: Any) -> HttpResponse:
        services.change_password(
            user=form.user,
            password=form.cleaned_data["new_password1"],
            keep_session_key=self.request.session.session_key,
        )
        update_session_auth_hash(self.request, form.user)
        messages.success(self.request, _("Password changed. All other devices are signed out."))
        return redirect(self.get_success_url())


class PasswordResetView(auth_views.PasswordResetView):
    """Ask for a link by mail; the answer is the same whether or not the account exists."""

    form_class = ResetForm
    template_name = "registration/password_reset_form.html"
    email_template_name = "registration/password_reset_email.txt"
    subject_template_name = "registration/password_reset_subject.txt"
    success_url = reverse_lazy("accounts:password_reset_done")

    @property
    def extra_email_context(self) -> dict[str, str]:  # type: ignore[override]
        return {"origin": settings.PUBLIC_ORIGIN, "host": urlsplit(settings.PUBLIC_ORIGIN).netloc}

    def form_valid(self, form: Any) -> HttpResponse:
        try:
            services.count_request(block=passwords.block_of(client_address(self.request)))
        except LockedOut as error:
            form.add_error("email", explain(error))
            return _refused(self.form_invalid(form), error)
        return super().form_valid(form)


class PasswordResetConfirmView(auth_views.PasswordResetConfirmView):
    """Choose a new password with the link from the mail: every login with the old one ends."""

    success_url = reverse_lazy("accounts:password_reset_complete")

    def form_valid(self, form: Any) -> HttpResponse:
        # The link from the mail identifies the user, who has not signed in.
        actor = Actor(form.user.pk, form.user.get_username(), client_address(self.request))
        with acting(lambda: actor):
            services.change_password(user=form.user, password=form.cleaned_data["new_password1"])
            # A user who can read the mail need not wait for a lockout to end.
            services.clear_tries(user=form.user, record=False)
        del self.request.session[auth_views.INTERNAL_RESET_SESSION_TOKEN]
        return redirect(self.get_success_url())


@never_cache
@login_required
def profile(request: SignedInRequest) -> HttpResponse:
    """Show the user's names and workspaces; POST changes names and email address."""
    form = ProfileForm(request.POST or None, instance=request.user, request=request)
    if request.method == "POST" and form.is_valid():
        try:
            given = {name: form.cleaned_data[name] for name in form.Meta.fields}
            services.update_profile(user=request.user, **given)
        except Conflict as error:
            form.add_error("email", error.message)
        else:
            messages.success(request, _("Profile saved."))
            return redirect(PROFILE)
    page = {"profile_form": form, "memberships": selectors.memberships_of(request.user)}
    response = render(request, "accounts/profile.html", page, status=_status_of(form))
    return _refused(response, form.refusal)


@never_cache
@require_safe
@login_required
def security(request: SignedInRequest) -> HttpResponse:
    """Show the user's sessions and programs, and a link to change the password."""
    page = {
        "sessions": selectors.live_sessions_of(request.user),
        "programs": selectors.refresh_tokens_of(request.user),
        "current_session_key": request.session.session_key,
    }
    return render(request, "accounts/security.html", page)


@require_POST
@login_required
def end_session(request: SignedInRequest, session_id: int) -> HttpResponse:
    """Sign out one of the user's sessions, possibly the current one."""
    session = selectors.live_sessions_of(request.user).filter(pk=session_id).first()
    if session is None:
        raise Http404
    if session.session_key == request.session.session_key:
        logout(request)
        return redirect(settings.LOGIN_URL)
    _or_404(services.end_session, session_id=session_id, user_id=request.user.pk)
    messages.success(request, _("That device is signed out."))
    return redirect(SECURITY)


@require_POST
@login_required
def end_program(request: SignedInRequest, token_id: int) -> HttpResponse:
    """Sign out a program that signed in with the user's password."""
    _or_404(services.end_refresh_token, token_id=token_id, user_id=request.user.pk)
    messages.success(request, _("That program is signed out."))
    return redirect(SECURITY)


@require_POST
@login_required
def end_other_sessions(request: SignedInRequest) -> HttpResponse:
    """Sign out everywhere except in the current session."""
    services.end_other_sessions(
        user_id=request.user.pk, keep_session_key=request.session.session_key
    )
    messages.success(request, _("All other devices are signed out."))
    return redirect(SECURITY)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@sensitive_variables("secret")
def tokens(request: SignedInRequest) -> HttpResponse:
    """Show the user's API tokens; POST creates one, and only its response shows the secret."""
    form = TokenForm(request.POST or None, request=request)
    page: dict[str, Any] = {"token_form": form}
    if request.method == "POST" and form.is_valid():
        try:
            token, secret = services.create_token(
                user_id=request.user.pk,
                workspace_id=form.cleaned_data["membership"].workspace_id,
                name=form.cleaned_data["name"],
                expires_at=form.expires_at(),
            )
        except Conflict as error:
            form.add_error(None, error.message)
        else:
            page = {
                "token_form": TokenForm(request=request),
                "new_token": token,
                "new_secret": secret,
            }
    page |= {
        "tokens": selectors.tokens_of(request.user),
        "memberships": selectors.memberships_of(request.user),
    }
    response = render(request, "accounts/tokens.html", page, status=_status_of(form))
    return _refused(response, form.refusal)


@require_POST
@login_required
def revoke_token(request: SignedInRequest, token_id: int) -> HttpResponse:
    """Revoke one of the user's API tokens."""
    _or_404(services.revoke_token, token_id=token_id, user_id=request.user.pk)
    messages.success(request, _("Token revoked."))
    return redirect(TOKENS)


@require_POST
@login_required
def make_default(request: SignedInRequest, membership_id: int) -> HttpResponse:
    """Set the user's default workspace."""
    membership = selectors.memberships_of(request.user).filter(pk=membership_id).first()
    if membership is None:
        raise Http404
    services.make_default(membership_id=membership.pk)
    return redirect(PROFILE)


def _refused(response: HttpResponse, refusal: AppError | None) -> HttpResponse:
    """Set the status and Retry-After of a page to those of the refusal that it shows, if any."""
    if refusal is not None:
        response.status_code = refusal.status
        response["Retry-After"] = str(math.ceil(refusal.retry_after or 1))
    return response


def _status_of(form: BaseForm) -> int:
    return 400 if form.errors else 200


def _or_404(service: Any, **arguments: Any) -> None:
    try:
        service(**arguments)
    except NotFound as error:
        raise Http404 from error
