"""The settings under test. The environment comes first: it is read when they are loaded.

A conftest would be too late: pytest-django loads the settings before it.
"""

import os
import tempfile

# Tests never touch an installation's own data folder.
os.environ.setdefault("PITWALL_DATA_DIR", tempfile.mkdtemp(prefix="pitwall-tests-"))
os.environ.setdefault("PITWALL_DEMO", "1")
os.environ["PITWALL_WORKERS"] = "none"
# Test processes beside each other have databases of their own and share one Redis.
os.environ["PITWALL_REDIS_PREFIX"] = f"test-{os.getpid()}"

from realtime_project.settings import *  # noqa: F403
