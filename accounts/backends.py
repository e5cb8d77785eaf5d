"""Login by username or by email address."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.http import HttpRequest

from accounts.folding import fold
from accounts.models import User


class UsernameOrEmailBackend(ModelBackend):
    """A username wins over the same text as somebody's email address."""

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **kwargs: Any,
    ) -> User | None:
        if username is not None:
            username = _canonical(username.strip())
        return super().authenticate(request, username=username, password=password, **kwargs)


def _canonical(name: str) -> str:
    if "@" not in name or User.objects.filter(folded=fold(name)).exists():
        return name
    owner = User.objects.filter(folded_email=fold(name)).only("username").first()
    return owner.username if owner else name
