"""Run every benchmark: `python tools/bench.py [--smoke] [name...]`.

Each file in benchmarks/ answers one question and runs as a module; `--smoke` asks it to run for a
moment only, to see that it still works.
"""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main(arguments: list[str]) -> int:
    """Run the benchmarks one after another. Returns 1 when any of them failed."""
    smoke = [option for option in arguments if option == "--smoke"]
    chosen = set(arguments) - set(smoke)
    failed = []
    for path in sorted((ROOT / "benchmarks").glob("[a-z]*.py")):
        if chosen and path.stem not in chosen:
            continue
        print(f"== {path.stem}", flush=True)
        command = [sys.executable, "-m", f"benchmarks.{path.stem}", *smoke]
        if subprocess.run(command, cwd=ROOT, check=False).returncode:
            failed.append(path.stem)
    if failed:
        print(f"Failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
