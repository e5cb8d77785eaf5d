"""Middleware that records the use of sessions and sets the actor of a request."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from accounts import services
from accounts.login.activity import recent_use
from accounts.login.lockout import client_address
from realtime.acting import Actor, acting

GetResponse = Callable[[HttpRequest], HttpResponse]


class SessionActivityMiddleware:
    """Updates "last seen" for requests that used their session."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        # A view that did not read the user must not cause a query for it.
        if request.session.accessed and request.user.is_authenticated:
            session_key = request.session.session_key
            if session_key and recent_use.is_due(session_key):
                services.keep_session(
                    user_id=request.user.pk,
                    session_key=session_key,
                    address=client_address(request),
                    user_agent=request.META.get("HTTP_USER_AGENT", ""),
                )
        return response


class ActorMiddleware:
    """Sets the actor of a request (realtime.acting), for all kinds of credentials."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with acting(lambda: _actor(request)):
            return self.get_response(request)


def _actor(request: HttpRequest) -> Actor:
    # Evaluated lazily: the view checks a bearer token and then sets the user.
    address = client_address(request)
    if not request.user.is_authenticated:
        return Actor(address=address)
    return Actor(request.user.pk, request.user.get_username(), address)
