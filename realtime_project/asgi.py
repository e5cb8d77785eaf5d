"""The ASGI application: HTTP to Django, WebSockets to the consumers, lifespan to the process."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "realtime_project.settings")
django_application = get_asgi_application()

# Imported once Django is ready: consumers import models.
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from django.conf import settings  # noqa: E402

from realtime.http.body_limit import BodyLimit  # noqa: E402
from realtime.http.health import Health  # noqa: E402
from realtime.http.middleware import RequestContext, trust_proxies  # noqa: E402
from realtime.server.lifespan import Lifespan  # noqa: E402
from realtime.sockets.upgrade import Upgrade  # noqa: E402
from realtime_project.routing import websocket_urlpatterns  # noqa: E402

application = trust_proxies(
    ProtocolTypeRouter(
        {
            "http": RequestContext(
                BodyLimit(Health(django_application), settings.MAX_REQUEST_BYTES)
            ),
            "websocket": Upgrade(URLRouter(websocket_urlpatterns)),
            "lifespan": Lifespan(),
        }
    ),
    settings.TRUSTED_PROXIES,
)
