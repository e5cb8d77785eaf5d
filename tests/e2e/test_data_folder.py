"""The data folder: one server has it, and nobody else can read it."""

import os
import re
import signal
import stat
import subprocess
import sys
import urllib.parse
import urllib.request
from http.cookiejar import CookieJar
from pathlib import Path

import pytest

from tools.lifetimes import tied

from . import servers
from .servers import ROOT, Server

pytestmark = pytest.mark.e2e


def manage(server: Server, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        tied([sys.executable, "manage.py", *arguments]),
        cwd=ROOT,
        env=dict(server.environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=servers.READY_WITHIN,
        check=False,
    )


def test_a_second_server_says_in_one_line_which_process_has_the_folder(
    own_server: Server, tmp_path: Path
) -> None:
    assert own_server.web is not None
    refused = manage(own_server, "serve", "--port", str(servers.free_port()), "--prepare")
    assert refused.returncode != 0
    [line] = refused.stderr.strip().splitlines()
    assert f"process {own_server.web.pid} serves it on port {own_server.port}" in line
    assert str(tmp_path) in line


def test_neither_restore_nor_migrate_touches_a_folder_that_is_served(
    own_server: Server, tmp_path: Path
) -> None:
    archive = tmp_path / "backup.tar.gz"
    made = manage(own_server, "backup", str(archive))
    assert made.returncode == 0, made.stderr
    for arguments in (("restore", str(archive)), ("restore", "--rotate-only"), ("migrate",)):
        refused = manage(own_server, *arguments)
        assert refused.returncode != 0, arguments
        [line] = refused.stderr.strip().splitlines()
        assert f"on port {own_server.port}" in line
    # Nothing is due, so there is nothing to refuse.
    assert manage(own_server, "prepare").returncode == 0
    assert manage(own_server, "migrate", "--check").returncode == 0


def test_a_server_that_was_killed_blocks_nobody(own_server: Server) -> None:
    assert own_server.web is not None
    own_server.web.kill()
    own_server.web.wait()
    own_server.start()
    own_server.stop(signal.SIGTERM)
    own_server.start()


def open_to_others(folder: Path) -> list[str]:
    """Return all in the folder, and the folder itself, that its owner does not have alone."""
    found = []
    for path in (folder, *folder.rglob("*")):
        mode = stat.S_IMODE(path.lstat().st_mode)
        if mode & 0o077 and not path.is_symlink():
            found.append(f"{path} {mode:o}")
    return found


def ask_for_a_new_password(server: Server, address: str) -> None:
    browser = urllib.request.build_opener(
        urllib.request.HTTPCookieProcessor(CookieJar()),
    )
    page = f"{server.url}/accounts/password/reset/"
    with browser.open(page) as answer:
        token = re.search(r'csrfmiddlewaretoken" value="(\w+)"', answer.read().decode())
    assert token is not None
    form = {"csrfmiddlewaretoken": token[1], "email": address}
    request = urllib.request.Request(page, urllib.parse.urlencode(form).encode())
    request.add_header("Referer", page)
    with browser.open(request) as answer:
        assert answer.status == 200


def upload(server: Server) -> None:
    boundary = "----pitwall"
    field = f"--{boundary}\r\nContent-Disposition: form-data; name"
    parts = [
        f'{field}="room"\r\n\r\ngeneral\r\n',
        f'{field}="file"; filename="a.txt"\r\n\r\nx\r\n',
        f"--{boundary}--\r\n",
    ]
    headers = {
        "Content-Type": f"multipart/form-data; boundary={boundary}",
        "Authorization": f"Bearer {server.token()}",
    }
    request = urllib.request.Request(
        f"{server.url}/api/v1/attachments/", "".join(parts).encode(), headers
    )
    with urllib.request.urlopen(request) as answer:
        assert answer.status == 201


def test_whatever_is_written_is_for_its_owner_alone(tmp_path: Path) -> None:
    """An installation from before, with a folder and a database that others could read."""
    folder = tmp_path / "data"
    (folder / "uploads" / "ab").mkdir(parents=True)
    for path in (folder, folder / "uploads", folder / "uploads" / "ab"):
        path.chmod(0o755)
    for path in (folder / "pitwall.sqlite3", folder / "uploads" / "ab" / "old"):
        path.touch()
        path.chmod(0o644)
    before = os.umask(0o022)
    try:
        with servers.embedded(folder) as server:
            assert "others could read" in server.output
            server.new_person()
            upload(server)
            set_address(server)
            ask_for_a_new_password(server, "alice@example.com")
            assert manage(server, "backup", str(folder / "backup.tar.gz")).returncode == 0
            left = [found for found in open_to_others(folder) if "serve.log" not in found]
            assert left == []  # the log is this test's own
            assert (folder / "mail").is_dir()
            assert any((folder / "uploads").rglob("?" * 32))
            assert list(folder.glob("pitwall.sqlite3-wal"))
    finally:
        os.umask(before)


def set_address(server: Server) -> None:
    program = (
        "import django; django.setup(); from accounts.models import User; "
        "alice = User.objects.get(username='alice'); "
        "alice.email = 'alice@example.com'; alice.save()"
    )
    subprocess.run(
        tied([sys.executable, "-c", program]), cwd=ROOT, env=dict(server.environment), check=True
    )


@pytest.mark.services
def test_without_a_mail_server_production_keeps_no_mails(tmp_path: Path) -> None:
    with servers.production(tmp_path, processes=1, workers=()) as server:
        set_address(server)
        ask_for_a_new_password(server, "alice@example.com")
        assert "EMAIL_URL" in server.output
        assert not re.search(r"/password/reset/\w", server.output)
        assert not (tmp_path / "mail").exists()


def test_a_folder_of_everybody_is_refused() -> None:
    environment = {"PATH": os.environ["PATH"], "PITWALL_DATA_DIR": "/tmp"}
    ran = subprocess.run(
        tied([sys.executable, "manage.py", "check"]),
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode != 0
    assert "PITWALL_DATA_DIR" in ran.stderr
    assert stat.S_IMODE(Path("/tmp").stat().st_mode) & stat.S_ISVTX
