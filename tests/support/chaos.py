"""Settings of a server with the probe endpoint and a lossy channel layer."""

from tests.support.probing import *
from tests.support.probing import CHANNEL_LAYERS

CHANNEL_LAYERS["default"]["BACKEND"] = "tests.support.lossy.LossyLayer"
