"""REST: creating a user's API tokens without a browser, listing and revoking them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, cast

from django.utils import timezone
from django.utils.translation import gettext as _
from msgspec import Struct, to_builtins
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import selectors, services
from accounts.login import confirmation, passwords
from accounts.login.authentication import Login
from accounts.login.lockout import client_address
from accounts.models import ApiToken, User
from realtime.errors import InvalidCommand, NotFound, PermissionDenied, Unauthenticated
from realtime.http.bodies import StrictSerializer
from realtime.http.openapi import operation
from realtime.http.views import RestView
from realtime.protocol import rfc3339

MAX_DAYS = 3650


class NewTokenSerializer(StrictSerializer):
    """A new API token, requested with a username and password or by a signed-in user."""

    name = serializers.CharField(max_length=100)
    workspace = serializers.CharField(required=False, max_length=50)
    expires_in_days = serializers.IntegerField(required=False, min_value=1, max_value=MAX_DAYS)
    username = serializers.CharField(required=False, max_length=254)
    password = serializers.CharField(required=False, max_length=1024, trim_whitespace=False)


class TokenInfo(Struct, kw_only=True):
    """An API token without its secret; times are RFC 3339 UTC, `expires_at` null if it does not."""

    id: int
    name: str
    prefix: str
    workspace: str
    state: str
    created_at: str
    expires_at: str | None
    last_used_at: str | None


class TokenWithSecret(TokenInfo, kw_only=True):
    """A new API token; `token` is the secret, which is shown only once."""

    token: str


class TokenListView(RestView):
    """GET the user's API tokens, POST a new one."""

    throttle_scope = "token"

    def get_permissions(self) -> list[Any]:
        # A username and password in the body authenticate as well as a header does.
        return [] if self.request.method == "POST" else list(super().get_permissions())

    @operation("list_tokens", "The user's API tokens", answers={200: list[TokenInfo]})
    def get(self, request: Request) -> Response:
        """Lists tokens that are not revoked, newest first; an API token lists only itself."""
        login = cast(Login, request.auth)
        tokens = selectors.tokens_of(login.user)
        if login.token is not None:
            tokens = tokens.filter(pk=login.token.pk)
        return Response(to_builtins([TokenInfo(**_facts(token)) for token in tokens]))

    @operation(
        "create_token",
        "Make an API token",
        body=NewTokenSerializer,
        answers={201: TokenWithSecret},
        refuses=(401, 404, 409),
    )
    def post(self, request: Request) -> Response:
        """With `username` and `password`, no other credentials are needed. A session or a JWT needs
        `password`, except within ten minutes of the session's sign-in. The owner gets a mail.
        """
        serializer = NewTokenSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        given = serializer.validated_data
        user = _owner(request, given.get("username"), given.get("password"))
        days = given.get("expires_in_days")
        principal = selectors.principal_of(user, given.get("workspace"))
        token, secret = services.create_token(
            user_id=user.pk,
            workspace_id=principal.workspace_id,
            name=given["name"],
            expires_at=timezone.now() + timedelta(days=days) if days else None,
        )
        made = TokenWithSecret(**_facts(token), token=secret)
        return Response(to_builtins(made), status=201)


class TokenDetailView(RestView):
    """DELETE one of the user's API tokens."""

    @operation("revoke_token", "Revoke an API token", answers={204: None}, refuses=(404,))
    def delete(self, request: Request, token_id: int) -> Response:
        """Ends the token and closes its sockets. An API token can revoke only itself."""
        login = cast(Login, request.auth)
        if login.token is not None and login.token.pk != token_id:
            raise NotFound(_("There is no such token."))
        services.revoke_token(token_id=token_id, user_id=login.user.pk)
        return Response(status=204)


def _owner(request: Request, username: str | None, password: str | None) -> User:
    """Return the future owner of the token, once they have proved that they know the password."""
    http = request._request
    if username is not None:
        if not password:
            raise InvalidCommand.field("password", _("This field is required."))
        return passwords.sign_in(username, password, client_address(http))
    login = request.auth
    if not isinstance(login, Login):
        raise Unauthenticated(_("Send a username and a password, or sign in."))
    if login.token is not None:
        raise PermissionDenied(_("An API token cannot make other tokens."))
    if password:
        try:
            confirmation.confirm(http, login.user, password)
        except passwords.WrongPassword as error:
            raise InvalidCommand.field("password", error.message) from error
    elif login.session_key is None or not confirmation.is_recent(http.session):
        raise InvalidCommand.field("password", _("Type your password to change this."))
    return login.user


def _facts(token: ApiToken) -> dict[str, Any]:
    return {
        "id": token.pk,
        "name": token.name,
        "prefix": token.prefix,
        "workspace": token.workspace.slug,
        "state": token.state(),
        "created_at": _time(token.created_at),
        "expires_at": _time(token.expires_at),
        "last_used_at": _time(token.last_used_at),
    }


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else rfc3339(moment)
