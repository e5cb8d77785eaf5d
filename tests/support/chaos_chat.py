"""Settings of the product as it is, but for losing some of what it publishes."""

from realtime_project.settings import *
from realtime_project.settings import CHANNEL_LAYERS

CHANNEL_LAYERS["default"]["BACKEND"] = "tests.support.lossy.LossyLayer"
