"""All URLs: each app's pages, the admin, the REST API. realtime.http.health has the checks."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView, TemplateView

from realtime_project.documents import SchemaView

handler400 = "realtime.http.error_pages.bad_request"
handler403 = "realtime.http.error_pages.permission_denied"
handler404 = "realtime.http.error_pages.page_not_found"
handler500 = "realtime.http.error_pages.server_error"

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="dashboard:page"), name="home"),
    path("", include("dashboard.urls")),
    path("", include("chat.urls")),
    path("", include("notifications.urls")),
    path("accounts/", include("accounts.urls")),
    path("api/v1/", include("realtime_project.api")),
    path("api/schema/", SchemaView.as_view(), name="schema"),
    path("api/docs/", TemplateView.as_view(template_name="api_docs.html"), name="api-docs"),
    path("i18n/", include("django.conf.urls.i18n")),
    path("admin/", admin.site.urls),
]
