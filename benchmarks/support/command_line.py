"""What every benchmark takes on its command line."""

from __future__ import annotations

import argparse

from tools.lifetimes import exit_on_signals


def smoke(description: str | None) -> bool:
    """Begin a benchmark; whether it runs for a moment only, to see that it still works."""
    exit_on_signals()
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--smoke", action="store_true", help="small numbers: does it run at all")
    shortened = bool(parser.parse_args().smoke)
    if shortened:
        print("Shortened: it runs; its figures and verdicts mean nothing.")
    return shortened
