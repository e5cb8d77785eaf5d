"""The project's URLs, and pages that fail in one way each."""

from django.http import HttpRequest, HttpResponse
from django.urls import path

from realtime.errors import RateLimited, Unavailable
from realtime_project.urls import urlpatterns as project


def broken(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("A fault of ours.")


def limited(request: HttpRequest) -> HttpResponse:
    raise RateLimited("Too many requests.", retry_after=7)


def away(request: HttpRequest) -> HttpResponse:
    raise Unavailable("Not at this moment.", retry_after=3)


urlpatterns = [
    path("faults/broken/", broken),
    path("faults/limited/", limited),
    path("faults/away/", away),
    *project,
]
