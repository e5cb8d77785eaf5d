"""Routes of the chat page."""

from django.urls import path

from chat import views

app_name = "chat"
urlpatterns = [
    path("chat/", views.page, name="page"),
    path("chat/<slug:room>/", views.page, name="room"),
]
