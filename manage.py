#!/usr/bin/env python
"""Command line of Pitwall: `manage.py serve`, `runworker`, `prepare` and Django's own commands."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "realtime_project.settings")
    try:
        from django.core.exceptions import ImproperlyConfigured
        from django.core.management import execute_from_command_line
    except ImportError as error:
        sys.exit(f"Django is not installed for {sys.executable}: run `make run` ({error}).")
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(f"Pitwall: {error}")


if __name__ == "__main__":
    main()
