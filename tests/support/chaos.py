"""Settings of a server that serves the probe endpoint and loses some of what it publishes."""

from tests.support.probing import *
from tests.support.probing import CHANNEL_LAYERS

CHANNEL_LAYERS["default"]["BACKEND"] = "tests.support.lossy.LossyLayer"
