"""The virtual environment `.venv` and its pinned packages."""

import shutil
import subprocess
import sys
from pathlib import Path

from . import stamps
from .report import Report, SetupError

WORKS = """
import importlib.util, sys
sys.exit(sys.version_info < (3, 11) or importlib.util.find_spec("pip") is None)
"""
OFFLINE = (
    "cannot reach the Python package index: check the network (or set PIP_INDEX_URL to a mirror) "
    "and run the same command again."
)


def python_of(root: Path) -> Path:
    """Return the interpreter of the project's virtual environment."""
    return root / ".venv" / "bin" / "python"


def prepare(root: Path, report: Report, *, dev: bool) -> None:
    """Create `.venv` if it is missing or broken, and install the pinned packages.

    Args:
        root: the project.
        report: receives progress and details.
        dev: also install the packages for tests and checks.

    Raises:
        SetupError: the environment cannot be made, or a package cannot be installed.
    """
    if not _works(python_of(root)):
        _create(root, report)
    _install(root, report, "requirements.txt", "Installing Python packages")
    if dev:
        _install(
            root,
            report,
            "requirements-dev.txt",
            "Installing test and lint packages",
            includes=("requirements.txt",),
        )


def install_node(root: Path, report: Report) -> None:
    """Install Node.js as a Python package, for machines without a recent one."""
    _install(root, report, "requirements-node.txt", "Installing Node.js into .venv")


def _works(python: Path) -> bool:
    if not python.exists():
        return False
    try:
        return not subprocess.run(
            [python, "-c", WORKS], capture_output=True, check=False
        ).returncode
    except OSError:
        return False


def _create(root: Path, report: Report) -> None:
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError as error:
        raise SetupError(
            "this Python cannot make virtual environments: install the missing part "
            f"(Debian, Ubuntu: apt install python{sys.version_info[0]}.{sys.version_info[1]}-venv) "
            "and run the same command again."
        ) from error
    report.progress("Making the Python environment in .venv ...")
    shutil.rmtree(root / ".venv", ignore_errors=True)
    report.run(
        [sys.executable, "-m", "venv", ".venv"],
        cwd=root,
        failure="could not make the Python environment in .venv.",
        offline=OFFLINE,
    )


def _install(
    root: Path, report: Report, requirements: str, progress: str, *, includes: tuple[str, ...] = ()
) -> None:
    stamp = root / ".venv" / f".installed-{requirements}"
    inputs = stamps.fingerprint(root / name for name in (requirements, *includes))
    if stamps.is_current(stamp, inputs):
        return
    stamp.unlink(missing_ok=True)
    report.progress(f"{progress} ...")
    report.run(
        [
            *(python_of(root), "-m", "pip", "install", "--requirement", requirements),
            *("--disable-pip-version-check", "--no-input", "--progress-bar=off", "--retries=3"),
        ],
        cwd=root,
        failure=f"could not install the packages listed in {requirements}.",
        offline=OFFLINE,
    )
    stamps.write(stamp, inputs)
