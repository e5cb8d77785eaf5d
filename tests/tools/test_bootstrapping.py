"""Setting up a fresh clone: the requirements, and the messages when one is missing."""

import ast
import socket
import sys
from pathlib import Path

import pytest

from tools.bootstrapping import node, stamps
from tools.bootstrapping.network import require_free_port
from tools.bootstrapping.report import Report, SetupError

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def report(tmp_path: Path) -> Report:
    return Report(tmp_path / "setup.log")


def run(report: Report, code: str) -> None:
    report.run([sys.executable, "-c", code], cwd=ROOT, failure="it failed.", offline="no network.")


def test_an_old_python_gets_as_far_as_reading_that_it_is_too_old() -> None:
    source = (ROOT / "tools" / "bootstrap.py").read_text()
    tree = ast.parse(source, feature_version=(3, 7))
    check = next(index for index, node in enumerate(tree.body) if isinstance(node, ast.If))
    imports = [node for node in tree.body[:check] if isinstance(node, ast.Import | ast.ImportFrom)]
    assert [ast.unparse(node) for node in imports] == ["import sys"]


@pytest.mark.parametrize(
    ("version", "recent"),
    [
        ("v18.20.4", False),
        ("v20.18.9", False),
        ("v20.19.0", True),
        ("v21.7.3", False),
        ("v22.11.0", False),
        ("v22.12.0", True),
        ("v23.0.0", True),
        ("v24.19.0", True),
        ("no version", False),
    ],
)
def test_only_a_node_that_the_build_tool_runs_on_is_used(
    tmp_path: Path, version: str, recent: bool
) -> None:
    program = tmp_path / "node"
    program.write_text(f"#!/bin/sh\necho {version}\n")
    program.chmod(0o755)
    assert node.is_recent(node.version_of(str(program))) is recent


def test_a_node_that_does_not_even_start_is_not_used(tmp_path: Path) -> None:
    assert not node.is_recent(node.version_of(str(tmp_path / "missing")))


def test_a_busy_port_is_named_with_a_way_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        with pytest.raises(SetupError, match=rf"port {port} .* in use.*PORT="):
            require_free_port("127.0.0.1", port)
    require_free_port("127.0.0.1", port)


@pytest.mark.parametrize("port", ["", "abc", "0", "65536", "-1"])
def test_what_is_no_port_is_refused(port: str) -> None:
    with pytest.raises(SetupError, match="PORT"):
        require_free_port("127.0.0.1", port)


def test_a_step_is_due_again_when_a_name_or_a_content_changes(tmp_path: Path) -> None:
    source, stamp = tmp_path / "source", tmp_path / "made" / "stamp"
    source.write_text("one")
    first = stamps.fingerprint([source])
    assert not stamps.is_current(stamp, first)
    stamps.write(stamp, first)
    assert stamps.is_current(stamp, stamps.fingerprint([source]))
    source.write_text("two")
    assert not stamps.is_current(stamp, stamps.fingerprint([source]))
    renamed = source.rename(tmp_path / "renamed")
    renamed.write_text("one")
    assert not stamps.is_current(stamp, stamps.fingerprint([renamed]))


def test_a_failing_command_is_one_line_that_names_the_log(report: Report) -> None:
    with pytest.raises(SetupError) as failed:
        run(report, "import sys; sys.exit('too bad')")
    assert str(failed.value) == f"it failed. Details: {report.log_path}"
    assert "too bad" in report.log_path.read_text()


def test_a_missing_network_is_told_from_other_failures(report: Report) -> None:
    with pytest.raises(SetupError, match="no network"):
        run(report, "raise SystemExit('npm error code ENOTFOUND')")
    with pytest.raises(SetupError, match="it failed"):
        run(report, "raise SystemExit('wrong in another way')")


def test_a_program_that_cannot_be_started_is_a_failure_of_its_step(report: Report) -> None:
    with pytest.raises(SetupError, match="it failed"):
        report.run(["/nonexistent"], cwd=ROOT, failure="it failed", offline="no network")
