"""What people fill in."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm, PasswordResetForm
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage
from django.db.models import QuerySet
from django.template import loader
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts import selectors
from accounts.folding import fold
from accounts.login import lockout, mail
from accounts.models import Membership, User
from accounts.names import clean_name

RESET_MAIL_EVERY = 60


class LoginForm(AuthenticationForm):
    """Username or email, password, and whether this device is one's own."""

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
        # After a failed try it is the password that is typed again.
        username.widget.attrs["autofocus"] = not self.is_bound

    @property
    def locked_until(self) -> datetime | None:
        """When to try again, once too many tries have failed; otherwise None."""
        if self.request is None or not lockout.is_locked_out(self.request):
            return None
        return lockout.locked_until(self.request, self.cleaned_data.get("username", ""))

    def get_invalid_login_error(self) -> ValidationError:
        until = self.locked_until
        if until is not None:
            return ValidationError(lockout.locked_out_message(until), code="locked_out")
        assert self.request is not None
        left = lockout.tries_left(self.request, self.cleaned_data["username"])
        message = ngettext(
            "Wrong username or password. %(left)d try left.",
            "Wrong username or password. %(left)d tries left.",
            left,
        )
        return ValidationError(message % {"left": left}, code="invalid_login")


class ResetForm(PasswordResetForm):
    """Mails a link to whoever owns the address: at most one a minute for an account."""

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


class ProfileForm(forms.ModelForm):  # type: ignore[type-arg]
    """A user's names and email address."""

    class Meta:
        model = User
        fields = ["first_name", "last_name", "email"]
        labels = {
            "first_name": gettext_lazy("First name"),
            "last_name": gettext_lazy("Last name"),
            "email": gettext_lazy("Email"),
        }

    def clean_email(self) -> str:
        email: str = self.cleaned_data["email"]
        others = User.objects.exclude(pk=self.instance.pk)
        if email and others.filter(folded_email=fold(email)).exists():
            raise ValidationError(_("Somebody else uses that email address."))
        return email


class TokenForm(forms.Form):
    """A new API token: what for, where, until when."""

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

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        kwargs.setdefault("auto_id", "token_%s")
        super().__init__(*args, **kwargs)
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
