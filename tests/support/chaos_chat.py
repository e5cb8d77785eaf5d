"""The product's settings with a lossy channel layer."""

from realtime_project.settings import *
from realtime_project.settings import CHANNEL_LAYERS

CHANNEL_LAYERS["default"]["BACKEND"] = "tests.support.lossy.LossyLayer"
