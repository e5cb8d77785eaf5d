"""Settings of a server with the probe endpoint (tests.realtime.endpoints)."""

import os

os.environ.setdefault("PITWALL_WORKERS", "none")

from realtime_project.settings import *

ASGI_APPLICATION = "tests.support.probing_asgi.application"
REALTIME_AUTHENTICATE = "tests.realtime.endpoints.authenticate"
REALTIME_AUTHENTICATE_SESSIONS = "tests.realtime.endpoints.authenticate_sessions"
REALTIME_RECHECK = "tests.realtime.endpoints.recheck"
REALTIME_TOUCH = "tests.realtime.endpoints.touch"
