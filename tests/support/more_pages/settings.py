"""The settings of an installation with one more app."""

from realtime_project.settings import *  # noqa: F403
from realtime_project.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tests.support.more_pages"]
ROOT_URLCONF = "tests.support.more_pages.urls"
