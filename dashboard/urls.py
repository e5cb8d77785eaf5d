"""Routes of the dashboard page."""

from django.urls import path

from dashboard import views

app_name = "dashboard"
urlpatterns = [path("dashboards/", views.page, name="page")]
