"""Restoring an earlier state: no client mistakes a new event for one that it already has."""

import io
import os
import stat
import tarfile
from contextlib import asynccontextmanager

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models.functions import Now

from realtime.auth import authenticator, rechecker, session_authenticator
from realtime.database import threads
from realtime.models import LoggedEvent, Process, Stream
from realtime.process.reporter import PROCESS_ID
from realtime.streams import log
from realtime.streams.log import StreamKey
from realtime.streams.unit_of_work import unit_of_work
from realtime.workers import leases
from tests.realtime import endpoints
from tests.realtime.test_hub import OPS, note
from tests.support.server import serving
from tests.support.sockets import SocketClient

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def uploads(settings, tmp_path):
    folder = tmp_path / "uploads"
    folder.mkdir()
    settings.BACKUP_FOLDERS = [folder]
    return folder


@pytest.fixture
def archive(uploads, tmp_path):
    return tmp_path / "pitwall.tar.gz"


@pytest.fixture
def installation(settings):
    """`async with installation() as open_socket:` runs the server once and shuts it down."""
    settings.REALTIME_AUTHENTICATE = "tests.realtime.endpoints.authenticate"
    settings.REALTIME_RECHECK = "tests.realtime.endpoints.recheck"
    settings.REALTIME_TOUCH = "tests.realtime.endpoints.touch"
    caches = (authenticator, rechecker, session_authenticator)
    for cache in caches:
        cache.cache_clear()

    @asynccontextmanager
    async def running():
        async with serving(endpoints.application) as address:
            client = await SocketClient.open(
                f"ws://{address}/ws/probe/", {"Authorization": "Bearer alice@1"}
            )
            yield client
            await client.close()

    yield running
    for cache in caches:
        cache.cache_clear()


def texts():
    return [
        payload.split('"')[-2] for payload in LoggedEvent.objects.values_list("payload", flat=True)
    ]


async def position_after(installation, *written):
    """Return the position of a client that has followed until now."""
    async with installation() as client:
        confirmed = await client.command("subscribe", logs=[OPS.name])
        epoch = confirmed["positions"][OPS.name]["epoch"]
        await threads.call(note, *written)
        for _ in written:
            last = await client.event("note")
    return {OPS.name: {"epoch": epoch, "offset": last["offset"]}}


async def after_the_restore(installation, position):
    """Reconnect a client after offsets were reused; returns its position and its next event."""
    await threads.call(note, "new two", "new three", "new four")
    async with installation() as client:
        confirmed = await client.command("subscribe", logs=[OPS.name], recover=position)
        before = confirmed["positions"][OPS.name]
        await threads.call(note, "new five")
        event = await client.event("note")
    return before, event


async def test_who_was_further_than_the_backup_gets_a_snapshot_and_every_new_event(
    installation, archive
):
    await threads.call(note, "one")
    await threads.call(call_command, "backup", archive)
    position = await position_after(installation, "lost two", "lost three")
    await threads.call(call_command, "restore", archive)
    assert await threads.call(texts) == ["one"]
    before, event = await after_the_restore(installation, position)
    assert before["recovered"] is False
    assert before["epoch"] != position[OPS.name]["epoch"]
    assert before["offset"] == 4
    assert (event["epoch"], event["offset"], event["text"]) == (before["epoch"], 5, "new five")


async def test_a_database_restored_by_other_means_is_rotated_alone(installation, archive):
    await threads.call(note, "one")
    position = await position_after(installation, "two")
    await threads.call(call_command, "restore", rotate_only=True)
    before, event = await after_the_restore(installation, position)
    assert before["recovered"] is False
    assert event["offset"] == 6
    assert len(await threads.call(texts)) == 6


async def test_a_client_that_stays_connected_is_given_the_restored_stream(installation, archive):
    """With --force: the client gets the whole restored stream, whatever it has already seen."""
    await threads.call(note, "one")
    await threads.call(call_command, "backup", archive)
    async with installation() as client:
        await client.command("subscribe", logs=[OPS.name])
        await threads.call(note, "lost")
        await client.event("note")
        await threads.call(call_command, "restore", archive, force=True)
        await threads.call(note, "new")
        assert (await client.event("note"))["text"] == "one"
        assert (await client.event("note"))["text"] == "new"


def test_every_stream_gets_an_epoch_of_its_own(archive):
    for name in ("room:ops", "room:dev", "alerts"):
        note("x", key=StreamKey(1, name))
    call_command("backup", archive)
    before = set(Stream.objects.values_list("epoch", flat=True))
    call_command("restore", archive)
    after = set(Stream.objects.values_list("epoch", flat=True))
    assert len(after) == 3
    assert not before & after
    assert all(len(epoch) == 32 for epoch in after)


def test_uploaded_files_come_back_and_later_ones_stay(uploads, archive):
    (uploads / "1").mkdir()
    (uploads / "1" / "lap.csv").write_text("as it was")
    call_command("backup", archive)
    (uploads / "1" / "lap.csv").unlink()
    (uploads / "later.txt").write_text("later")
    call_command("restore", archive)
    assert (uploads / "1" / "lap.csv").read_text() == "as it was"
    assert (uploads / "later.txt").read_text() == "later"


def test_a_backup_is_its_owners_alone_and_never_replaces_another(archive):
    call_command("backup", archive)
    assert stat.S_IMODE(archive.stat().st_mode) == 0o600
    with pytest.raises(CommandError, match="exists already"):
        call_command("backup", archive)
    assert [path.name for path in archive.parent.iterdir() if "part" in path.name] == []


def process_alive(role="web"):
    Process.objects.create(
        process_id="other", role=role, host="pit", pid=7, started_at=Now(), seen_at=Now()
    )


def test_nothing_is_restored_while_a_process_is_alive(archive):
    note("one")
    call_command("backup", archive)
    note("two")
    process_alive()
    for arguments in ([archive], ["--rotate-only"]):
        with pytest.raises(CommandError, match="web on pit"):
            call_command("restore", *arguments)
    assert texts() == ["one", "two"]
    call_command("restore", archive, force=True)
    assert texts() == ["one"]


def test_nothing_is_restored_while_a_worker_holds_its_lease(archive):
    call_command("backup", archive)
    held = leases.acquire("collectors", PROCESS_ID)
    with pytest.raises(CommandError, match="worker collectors"):
        call_command("restore", archive)
    leases.release(held)
    call_command("restore", archive)


@pytest.mark.parametrize("arguments", [[], ["--rotate-only", "x.tar.gz"]])
def test_restore_takes_a_file_or_rotates_only(arguments):
    with pytest.raises(CommandError, match="either"):
        call_command("restore", *arguments)


def test_what_is_no_backup_is_told_and_changes_nothing(tmp_path, archive):
    note("one")
    nonsense = tmp_path / "nonsense"
    nonsense.write_bytes(os.urandom(2000))
    with tarfile.open(tmp_path / "empty", "w"):
        pass
    call_command("backup", archive)
    cut = tmp_path / "cut"
    cut.write_bytes(archive.read_bytes()[: archive.stat().st_size // 2])
    note("two")
    for file in (nonsense, tmp_path / "empty", cut, tmp_path / "missing"):
        with pytest.raises(CommandError):
            call_command("restore", file)
    assert texts() == ["one", "two"]


def rewritten(archive, target, change):
    """Copy the archive, with `change(name, content)` applied to its files."""
    with tarfile.open(archive) as old, tarfile.open(target, "w:gz") as new:
        for member in old.getmembers():
            name, content = change(member.name, old.extractfile(member).read())
            member.name, member.size = name, len(content)
            new.addfile(member, io.BytesIO(content))
    return target


def test_a_backup_of_another_kind_of_database_is_refused(tmp_path, archive):
    call_command("backup", archive)
    other = "postgresql" if connection.vendor == "sqlite" else "sqlite"

    def change(name, content):
        return name, content.replace(connection.vendor.encode(), other.encode())

    with pytest.raises(CommandError, match=f"holds a {other} database"):
        call_command("restore", rewritten(archive, tmp_path / "other", change))


@pytest.mark.parametrize("name", ["files/uploads/../../out", "files/secrets/x", "files/uploads"])
def test_a_backup_writes_nowhere_but_into_its_folders(tmp_path, uploads, archive, name):
    (uploads / "x").write_text("x")
    call_command("backup", archive)

    def change(old, content):
        return (name if old.startswith("files/") else old), content

    with pytest.raises(CommandError, match="no place here"):
        call_command("restore", rewritten(archive, tmp_path / "bad", change))


def test_a_restore_that_fails_half_way_leaves_the_database_as_it_was(tmp_path, archive):
    note("one")
    call_command("backup", archive)
    note("two")

    def damage(name, content):
        if name != "database":
            return name, content
        middle = len(content) // 3
        return name, content[:middle] + b"\xa5" * (len(content) - middle)

    with pytest.raises(CommandError):
        call_command("restore", rewritten(archive, tmp_path / "damaged", damage))
    assert texts() == ["one", "two"]
    with unit_of_work():
        log.append([(OPS, '{"type":"note","text":"three"}')])
    assert texts() == ["one", "two", "three"]


@pytest.mark.skipif(connection.vendor == "sqlite", reason="pg_dump is PostgreSQL's")
def test_missing_programs_of_postgresql_are_named(archive, monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(CommandError, match="pg_dump is not installed"):
        call_command("backup", archive)
