"""Run the front end's own tools with the Node.js that the set-up found.

    python3 tools/front.py check                    types, then unit tests
    python3 tools/front.py <script> arguments...    any script under frontend/

Standard library only.
"""

import subprocess
import sys
from pathlib import Path

from bootstrapping import frontend, node
from bootstrapping.report import Report, SetupError

ROOT = Path(__file__).resolve().parent.parent
CHECKS = (
    ["node_modules/vue-tsc/bin/vue-tsc.js", "--noEmit"],
    ["node_modules/vitest/vitest.mjs", "run"],
)


def main(arguments: list[str]) -> int:
    """Run the scripts one after another until one fails. Returns its exit code."""
    report = Report(ROOT / "var" / "setup.log")
    report.log_path.parent.mkdir(exist_ok=True)
    try:
        frontend.install_packages(ROOT, report)
        commands = node.find(ROOT, report)
    except SetupError as error:
        sys.exit(f"Pitwall: {error}")
    for script in CHECKS if arguments == ["check"] else [arguments]:
        result = subprocess.run([*commands.node, *script], cwd=ROOT / "frontend", check=False)
        if result.returncode:
            return result.returncode
    return 0


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1:]))
