"""All URLs of the application, one page and one path of the API that fail, and one that refuses."""

from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.http import HttpRequest, HttpResponse
from django.urls import path

from realtime_project.urls import handler400 as handler400
from realtime_project.urls import handler403 as handler403
from realtime_project.urls import handler404 as handler404
from realtime_project.urls import handler500 as handler500
from realtime_project.urls import urlpatterns as real

ERRORS: dict[str, type[Exception]] = {
    "400": SuspiciousOperation,
    "403": PermissionDenied,
    "500": ZeroDivisionError,
}


def fail(request: HttpRequest, how: str) -> HttpResponse:
    raise ERRORS[how]("planted")


urlpatterns = [
    path("planted/<how>/", fail),
    path("api/v1/planted/<how>/", fail),
    *real,
]
