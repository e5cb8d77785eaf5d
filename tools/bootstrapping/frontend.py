"""The front end: packages from the npm registry, built by Vite into static/dist."""

from collections.abc import Iterator
from pathlib import Path

from . import node, stamps
from .report import Report

NOT_INPUTS = {"node_modules", "coverage", "dist", ".vite"}
OFFLINE = (
    "cannot reach the npm registry: check the network (or set npm_config_registry to a mirror) "
    "and run the same command again."
)


def prepare(root: Path, report: Report) -> None:
    """Install the locked packages and build, each only when its inputs changed.

    Raises:
        SetupError: a package cannot be installed, or the build fails.
    """
    install_packages(root, report)
    build(root, report)


def install_packages(root: Path, report: Report) -> None:
    """Install the packages in frontend/package-lock.json."""
    folder = root / "frontend"
    locked = stamps.fingerprint([folder / "package.json", folder / "package-lock.json"])
    stamp = folder / "node_modules" / ".installed"
    if stamps.is_current(stamp, locked):
        return
    npm = node.find(root, report).npm
    report.progress("Installing front-end packages ...")
    report.run(
        [
            *npm,
            # Install scripts are third-party code, and nothing here needs them.
            *("ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"),
            *("--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=5000"),
        ],
        cwd=folder,
        failure="could not install the front-end packages.",
        offline=OFFLINE,
    )
    stamps.write(stamp, locked)


def build(root: Path, report: Report) -> None:
    """Build the pages' scripts and styles into static/dist."""
    folder = root / "frontend"
    inputs = stamps.fingerprint(_inputs(folder))
    stamp = root / "static" / "dist" / ".built"
    if stamps.is_current(stamp, inputs):
        return
    stamp.unlink(missing_ok=True)
    report.progress("Building the front end ...")
    report.run(
        [*node.find(root, report).node, "node_modules/vite/bin/vite.js", "build"],
        cwd=folder,
        failure="the front end does not build; the log ends with the reason.",
        offline="the front end does not build; the log ends with the reason.",
    )
    stamps.write(stamp, inputs)


def _inputs(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        if path.name in NOT_INPUTS or path.suffix == ".tsbuildinfo":
            continue
        if path.is_dir():
            yield from _inputs(path)
        else:
            yield path
