"""The package's version, and its name in requests."""

import platform

from ._version import __version__

USER_AGENT = f"pitwall-client/{__version__} Python/{platform.python_version()}"
