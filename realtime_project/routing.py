"""All WebSocket routes: each app's, under /ws/."""

from dashboard.routing import websocket_urlpatterns as dashboard_patterns
from notifications.routing import websocket_urlpatterns as notifications_patterns

websocket_urlpatterns = [*dashboard_patterns, *notifications_patterns]
