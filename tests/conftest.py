"""Set up before Django loads: tests never touch an installation's own data folder."""

import os
import tempfile

os.environ.setdefault("PITWALL_DATA_DIR", tempfile.mkdtemp(prefix="pitwall-tests-"))
os.environ.setdefault("PITWALL_DEMO", "1")
os.environ["PITWALL_WORKERS"] = "none"
