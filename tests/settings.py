"""The settings under test. The environment is set first: the settings read it when loaded.

A conftest would be too late: pytest-django loads the settings earlier.
"""

import atexit
import os
import shutil
import tempfile
from urllib.parse import urlsplit

# Tests never touch an installation's own data folder. Parallel test processes share this one.
if "PITWALL_DATA_DIR" not in os.environ:
    os.environ["PITWALL_DATA_DIR"] = tempfile.mkdtemp(prefix="pitwall-tests-")
    atexit.register(shutil.rmtree, os.environ["PITWALL_DATA_DIR"], ignore_errors=True)
os.environ.setdefault("PITWALL_DEMO", "1")
os.environ["PITWALL_WORKERS"] = "none"
# Parallel test processes have separate databases and share one Redis.
if redis_url := os.environ.get("REDIS_URL"):
    # Each has its own cache, because clearing a cache empties the whole numbered database.
    number = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    os.environ["REDIS_URL"] = urlsplit(redis_url)._replace(path=f"/{number}").geturl()
os.environ["PITWALL_REDIS_PREFIX"] = f"test-{os.getpid()}"

from realtime_project.settings import *  # noqa: F403
