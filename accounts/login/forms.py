"""The forms of signing in and of the settings pages."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm, PasswordResetForm
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage
from django.db.models import QuerySet
from django.template import loader
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts import mail, selectors
from accounts.folding import fold
from accounts.login import confirmation, lockout, passwords
from accounts.login.passwords import WrongPassword
from accounts.login.requests import SignedInRequest
from accounts.models import Membership, User
from accounts.names import clean_name
from accounts.services import LockedOut
from realtime.errors import AppError, Unavailable

RESET_MAIL_EVERY = 60


class LoginForm(AuthenticationForm):
    """Username or email, password, and whether to stay signed in on this device."""

    remember = forms.BooleanField(
        label=gettext_lazy("Stay signed in on this device for 14 days"),
        required=False,
        initial=True,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        username = self.fields["username"]
        username.label = gettext_lazy("Username or email")
        username.widget.attrs["maxlength"] = 254
        # After a failed attempt, the user retypes the password.
        username.widget.attrs["autofocus"] = not self.is_bound

    # Set if the password was refused without being checked.
    refusal: AppError | None = None

    def clean(self) -> dict[str, Any]:
        name, password = self.cleaned_data.get("username"), self.cleaned_data.get("password")
        if name is None or not password:
            return self.cleaned_data
        address = lockout.client_address(self.request) if self.request else None
        try:
            self.user_cache = passwords.sign_in(name, password, address)
        except WrongPassword as error:
            raise ValidationError(_wrong(error.left), code="invalid_login") from error
        except (LockedOut, Unavailable) as error:
            self.refusal = error
            raise ValidationError(lockout.explain(error), code="refused") from error
        return self.cleaned_data


def _wrong_password(left: int) -> str:
    message = ngettext(
        "Wrong password. %(left)d try left.", "Wrong password. %(left)d tries left.", left
    )
    return message % {"left": left}


def _wrong(left: int) -> str:
    message = ngettext(
        "Wrong username or password. %(left)d try left.",
        "Wrong username or password. %(left)d tries left.",
        left,
    )
    return message % {"left": left}


class ResetForm(PasswordResetForm):
    """Mails a reset link to the owner of the address: at most one a minute per account."""

    def get_users(self, email: str) -> list[User]:
        found = User.objects.filter(folded_email=fold(email), is_active=True)
        users = [user for user in found if user.has_usable_password()]
        return [
            user for user in users if cache.add(f"password-reset:{user.pk}", 1, RESET_MAIL_EVERY)
        ]

    def send_mail(
        self,
        subject_template_name: str,
        email_template_name: str,
        context: dict[str, Any],
        from_email: str | None,
        to_email: str,
        html_email_template_name: str | None = None,
    ) -> None:
        subject = "".join(loader.render_to_string(subject_template_name, context).splitlines())
        body = loader.render_to_string(email_template_name, context)
        mail.send_later(EmailMessage(subject, body, from_email, [to_email]))


class ConfirmedForm(forms.Form):
    """Asks for the password, unless it was typed recently (accounts.login.confirmation).

    `request` is the signed-in user's request.
    """

    current_password = forms.CharField(
        label=gettext_lazy("Your password"),
        strip=False,
        required=False,
        max_length=1024,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    # Set if the password was refused without being checked.
    refusal: AppError | None = None

    def __init__(self, *args: Any, request: SignedInRequest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.request = request
        if confirmation.is_recent(request.session):
            del self.fields["current_password"]

    def needs_password(self) -> bool:
        """Return whether the submitted values need the password."""
        return True

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        if "current_password" not in self.fields or self.errors or not self.needs_password():
            return cleaned
        given = self.cleaned_data.get("current_password")
        if not given:
            self.add_error("current_password", _("Type your password to change this."))
            return cleaned
        try:
            confirmation.confirm(self.request, self.request.user, given)
        except WrongPassword as error:
            self.add_error("current_password", _wrong_password(error.left))
        except (LockedOut, Unavailable) as error:
            self.refusal = error
            self.add_error("current_password", lockout.explain(error))
        return cleaned


class ChangePasswordForm(PasswordChangeForm):
    """Changes a password; the old one is checked with the limits of a sign-in."""

    refusal: AppError | None = None

    def __init__(self, *args: Any, request: SignedInRequest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.request = request

    def clean_old_password(self) -> str:
        given: str = self.cleaned_data["old_password"]
        try:
            confirmation.confirm(self.request, self.request.user, given)
        except WrongPassword as error:
            raise ValidationError(_wrong_password(error.left)) from error
        except (LockedOut, Unavailable) as error:
            self.refusal = error
            raise ValidationError(lockout.explain(error)) from error
        return given


class ProfileForm(ConfirmedForm, forms.ModelForm):  # type: ignore[type-arg]
    """A user's names and email address; changing the address needs the password."""

    class Meta:
        model = User
        fields = ["first_name", "last_name", "email"]
        labels = {
            "first_name": gettext_lazy("First name"),
            "last_name": gettext_lazy("Last name"),
            "email": gettext_lazy("Email"),
        }

    def needs_password(self) -> bool:
        return "email" in self.changed_data

    def clean_email(self) -> str:
        email: str = self.cleaned_data["email"]
        others = User.objects.exclude(pk=self.instance.pk)
        if email and others.filter(folded_email=fold(email)).exists():
            raise ValidationError(_("Somebody else uses that email address."))
        return email


class TokenForm(ConfirmedForm):
    """A new API token: its name, workspace and lifetime."""

    LIFETIMES = (
        ("30", gettext_lazy("30 days")),
        ("90", gettext_lazy("90 days")),
        ("365", gettext_lazy("1 year")),
        ("", gettext_lazy("Does not expire")),
    )

    name = forms.CharField(label=gettext_lazy("Name"), max_length=100)
    membership = forms.ModelChoiceField(
        Membership.objects.none(), label=gettext_lazy("Workspace"), empty_label=None
    )
    lifetime = forms.ChoiceField(
        label=gettext_lazy("Expires after"), choices=LIFETIMES, required=False, initial="90"
    )

    def __init__(self, *args: Any, request: SignedInRequest, **kwargs: Any) -> None:
        kwargs.setdefault("auto_id", "token_%s")
        super().__init__(*args, request=request, **kwargs)
        user = request.user
        field = self.fields["membership"]
        field.queryset = memberships = selectors.memberships_of(user)  # type: ignore[attr-defined]
        field.label_from_instance = lambda membership: membership.workspace.name  # type: ignore[attr-defined]
        self.initial.setdefault("membership", _first_pk(memberships))

    def clean_name(self) -> str:
        name = clean_name(self.cleaned_data["name"])
        if not name:
            raise ValidationError(_("This name has characters that cannot be seen."))
        return name

    def expires_at(self) -> datetime | None:
        days = self.cleaned_data["lifetime"]
        return timezone.now() + timedelta(days=int(days)) if days else None


def _first_pk(memberships: QuerySet[Membership]) -> int | None:
    first = memberships.first()
    return first.pk if first else None
