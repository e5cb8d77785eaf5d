"""The command line shared by all benchmarks."""

from __future__ import annotations

import argparse

from tools.lifetimes import exit_on_signals


def smoke(description: str | None) -> bool:
    """Parse the command line. Returns whether to run only briefly, to check that it still works."""
    exit_on_signals()
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--smoke", action="store_true", help="small numbers: does it run at all")
    shortened = bool(parser.parse_args().smoke)
    if shortened:
        print("Shortened: it runs; its figures and verdicts mean nothing.")
    return shortened
