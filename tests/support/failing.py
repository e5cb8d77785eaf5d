"""Settings of a server with a page and an API path that fail, for tests of what is answered."""

from realtime_project.settings import *

ROOT_URLCONF = "tests.support.failing_urls"
