"""The product's settings, with a publisher alongside the product's ASGI application."""

from realtime_project.settings import *  # noqa: F403

ASGI_APPLICATION = "benchmarks.support.application.application"
