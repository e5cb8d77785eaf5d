from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import include, path

from accounts.shell.workspace_page import workspace_page
from realtime.auth import Principal
from realtime_project.urls import urlpatterns as project


@workspace_page
def page(request: HttpRequest, principal: Principal, **_arguments: object) -> HttpResponse:
    return render(request, "more_pages/page.html")


pages = [
    path("alerts/", page, name="alerts"),
    path("alerts/history/", page, name="history"),
    path("alerts/rules/", page, name="rules"),
    path("alerts/rules/<int:rule>/", page, name="rule"),
    path("alerts/sources/", page, name="sources"),
    path("alerts/routes/", page, name="routes"),
    path("alerts/silences/", page, name="silences"),
    path("exchange/", page, name="exchange"),
    path("jobs/", page, name="jobs"),
]
urlpatterns = [path("", include((pages, "more"))), *project]
