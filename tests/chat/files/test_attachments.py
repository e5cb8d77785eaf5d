"""Files over REST: typed by content, served only to permitted users, removed when unused."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from asgiref.sync import async_to_sync
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from chat import services
from chat.files import uploads
from chat.models import Attachment, Role
from chat.retention import WAITING_FOR, FileExpiry
from realtime.database import threads
from realtime.errors import NotFound
from realtime.streams.unit_of_work import unit_of_work
from tests.conftest import Api, session_key_of
from tests.support.files import PICTURES, PNG, png
from tests.support.locks import side_by_side, wait_until
from tests.support.rooms import Team

ADDRESS = "/api/v1/attachments/"


def put(client: Any, data: bytes, name: str = "notes.txt", room: str = "general") -> Any:
    """POST a file with an arbitrary name and declared type."""
    file = SimpleUploadedFile(name, data, content_type="image/png")
    return client.post(ADDRESS, {"room": room, "file": file}, format="multipart")


def content(response: Any) -> bytes:
    async def collect() -> bytes:
        return b"".join([piece async for piece in response.streaming_content])

    return async_to_sync(collect)()


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def sent(team: Team, client: Any, data: bytes = b"hello", **fields: Any) -> int:
    """Return the id of a file in one of alice's messages."""
    file_id = put(client, data, **fields).json()["id"]
    room = team.ops if fields.get("room") == "ops" else team.general
    team.say(team.alice, room, "see this", attachments=[file_id])
    return int(file_id)


@pytest.mark.django_db
@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_shown_where_it_stands(team: Team, api: Api, name: str) -> None:
    client = api(team.alice)
    answer = put(client, PICTURES[name], "photo of 小明.bin")
    kind = "image/" + name.split(",")[0]
    assert answer.status_code == 201
    assert answer.json() | {"id": 0, "url": ""} == {
        "id": 0,
        "name": "photo of 小明.bin",
        "size": len(PICTURES[name]),
        "content_type": kind,
        "inline": True,
        "url": "",
        "width": 3,
        "height": 2,
    }
    download = client.get(answer.json()["url"])
    assert content(download) == PICTURES[name]
    assert download["Content-Type"] == kind
    assert download["Content-Disposition"] == (
        "inline; filename*=utf-8''photo%20of%20%E5%B0%8F%E6%98%8E.bin"
    )
    saved = client.get(answer.json()["url"] + "?download=1")
    assert saved["Content-Disposition"].startswith("attachment; ")
    content(saved)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"<script>alert(document.cookie)</script>", "text/html"),
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "image/svg+xml"),
        (b"%PDF-1.7", "application/pdf"),
        (b"just text", "text/plain"),
        (PNG[:20] + b"<script>alert(1)</script>", "image/png"),
        (b"GIF89a/*<script>alert(1)</script>*/=1;", "image/gif"),
        (png(60_000, 60_000), "image/png"),
    ],
)
def test_a_file_that_lies_about_its_type_is_only_ever_downloaded(
    team: Team, api: Api, data: bytes, kind: str
) -> None:
    client = api(team.alice)
    answer = put(client, data, "innocent.png").json()
    assert (answer["content_type"], answer["inline"]) == (kind, False)
    assert "width" not in answer
    download = client.get(answer["url"])
    assert content(download) == data
    assert download["Content-Type"] == "application/octet-stream"
    assert download["Content-Disposition"] == 'attachment; filename="innocent.png"'


@pytest.mark.django_db
def test_a_download_runs_nothing_and_is_kept_by_no_cache_but_the_readers(
    team: Team, api: Api
) -> None:
    client = api(team.alice)
    for data in (PNG, b"text"):
        download = client.get(put(client, data).json()["url"])
        assert download["X-Content-Type-Options"] == "nosniff"
        assert download["Content-Security-Policy"] == "default-src 'none'; sandbox"
        assert download["Cache-Control"] == "private, no-cache"
        assert download["Cross-Origin-Resource-Policy"] == "same-origin"
        content(download)


@pytest.mark.django_db
def test_a_file_that_one_has_already_is_not_sent_again_while_one_may_read_it(
    team: Team, api: Api
) -> None:
    file_id = sent(team, api(team.alice), room="ops")
    reader, address = api(team.bob), f"{ADDRESS}{file_id}/"
    download = reader.get(address)
    content(download)
    assert reader.get(address, HTTP_IF_NONE_MATCH=download["ETag"]).status_code == 304
    services.remove_member(principal=team.as_(team.alice), room="ops", user_id=team.bob.pk)
    assert reader.get(address, HTTP_IF_NONE_MATCH=download["ETag"]).status_code == 404


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("wanted", "status", "part", "told"),
    [
        ("bytes=0-3", 206, b"0123", "bytes 0-3/10"),
        ("bytes=8-", 206, b"89", "bytes 8-9/10"),
        ("bytes=-3", 206, b"789", "bytes 7-9/10"),
        ("bytes=5-99", 206, b"56789", "bytes 5-9/10"),
        ("bytes=10-", 416, b"", "bytes */10"),
        ("bytes=5-4", 416, b"", "bytes */10"),
        ("bytes=-0", 416, b"", "bytes */10"),
        ("bytes=0-1,3-4", 200, b"0123456789", None),
        ("lines=1-2", 200, b"0123456789", None),
    ],
)
def test_a_range_of_bytes_can_be_asked_for(
    team: Team, api: Api, wanted: str, status: int, part: bytes, told: str | None
) -> None:
    client = api(team.alice)
    url = put(client, b"0123456789").json()["url"]
    answer = client.get(url, HTTP_RANGE=wanted)
    assert answer.status_code == status
    assert answer.headers.get("Content-Range") == told
    assert (content(answer) if answer.streaming else answer.content) == part


@pytest.mark.django_db
def test_only_readers_of_its_room_get_a_file(team: Team, api: Api) -> None:
    file_id = sent(team, api(team.alice), room="ops")
    assert content(api(team.bob).get(f"{ADDRESS}{file_id}/")) == b"hello"
    outside, nowhere = (api(team.carol).get(f"{ADDRESS}{number}/") for number in (file_id, 999_999))
    assert outside.status_code == nowhere.status_code == 404
    assert outside.json() == nowhere.json()


@pytest.mark.django_db
def test_a_file_that_is_in_no_message_yet_is_its_uploaders_alone(team: Team, api: Api) -> None:
    url = put(api(team.alice), b"draft").json()["url"]
    assert api(team.bob).get(url).status_code == 404
    assert content(api(team.alice).get(url)) == b"draft"
    assert api(team.bob).get(ADDRESS, {"room": "general"}).json()["results"] == []


@pytest.mark.django_db(transaction=True)
def test_a_deleted_message_takes_its_files_with_it(api: Api, uploads_folder: Path) -> None:
    team = Team()
    file_id = sent(team, api(team.alice))
    message = Attachment.objects.get(pk=file_id).message
    assert message is not None
    services.delete_message(principal=team.as_(team.alice), message_id=message.pk)
    assert api(team.alice).get(f"{ADDRESS}{file_id}/").status_code == 404
    assert files_in(uploads_folder) == []


@pytest.mark.django_db
def test_files_of_expired_messages_are_not_given_any_more(team: Team, api: Api) -> None:
    file_id = sent(team, api(team.alice))
    services.expire_messages(room_id=team.general.pk, before=timezone.now())
    assert api(team.bob).get(f"{ADDRESS}{file_id}/").status_code == 404
    assert api(team.bob).get(ADDRESS, {"room": "general"}).json()["results"] == []


@pytest.mark.django_db
def test_the_files_of_a_room_are_listed_newest_first(team: Team, api: Api) -> None:
    client = api(team.alice)
    ids = [sent(team, client, name=f"{number}.txt") for number in range(3)]
    first = api(team.bob).get(ADDRESS, {"room": "general", "limit": 2}).json()
    rest = api(team.bob).get(first["next"]).json()
    assert [each["id"] for each in first["results"] + rest["results"]] == ids[::-1]
    assert rest["next"] is None
    assert first["results"][0]["username"] == "alice"
    assert api(team.carol).get(ADDRESS, {"room": "ops"}).status_code == 404


# --- Refused uploads leave nothing ------------------------------------------------------------


@pytest.mark.django_db
def test_a_file_over_the_cap_is_refused(
    team: Team, api: Api, settings: Any, uploads_folder: Path
) -> None:
    settings.MAX_UPLOAD_BYTES = 10
    answer = put(api(team.alice), b"x" * 11)
    assert answer.status_code == 413
    assert answer.json()["errors"] == {"size": ["A file may have at most 10 bytes."]}
    assert put(api(team.alice), b"x" * 10).status_code == 201
    assert len(files_in(uploads_folder)) == 1


@pytest.mark.django_db
def test_an_upload_without_what_it_needs_is_refused_by_field(
    team: Team, api: Api, uploads_folder: Path
) -> None:
    client = api(team.alice)
    assert set(client.post(ADDRESS, {}, format="multipart").json()["errors"]) == {"room", "file"}
    assert put(client, b"").status_code == 400
    assert client.post(ADDRESS, {"room": "general"}, format="json").status_code == 415
    garbled = client.generic("POST", ADDRESS, b"not a form", "multipart/form-data; boundary=x")
    assert garbled.status_code == 400
    assert files_in(uploads_folder) == []


@pytest.mark.django_db
def test_who_may_not_write_may_not_upload(team: Team, api: Api, uploads_folder: Path) -> None:
    reader = team.person("reader")
    team.add(team.ops, reader, Role.READ_ONLY)
    assert put(api(reader), b"x", room="ops").status_code == 403
    outside, nowhere = (put(api(team.carol), b"x", room=room) for room in ("ops", "nowhere"))
    assert outside.status_code == nowhere.status_code == 404
    assert outside.json() == nowhere.json()
    assert files_in(uploads_folder) == []


@pytest.mark.django_db
def test_files_that_wait_are_limited_in_number(
    team: Team, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chat.services.attaching.MAX_WAITING", 2)
    client = api(team.alice)
    first = put(client, b"1").json()["id"]
    put(client, b"2")
    refused = put(client, b"3")
    assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
    team.say(team.alice, team.general, "now", attachments=[first])
    assert put(client, b"3").status_code == 201


@pytest.mark.django_db
def test_a_full_disk_is_told_and_leaves_nothing(
    team: Team, api: Api, uploads_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    answer = put(api(team.alice), b"x")
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert files_in(uploads_folder) == []
    assert not Attachment.objects.exists()


# --- Unused files are removed -----------------------------------------------------------------


def retain() -> None:
    expiry = FileExpiry()
    for _ in range(uploads.SHARDS):
        expiry.begin()
    while expiry.remove_some():
        pass


def age(path: Path) -> None:
    long_ago = time.time() - WAITING_FOR.total_seconds() - 60
    os.utime(path, (long_ago, long_ago))


@pytest.mark.django_db(transaction=True)
def test_files_that_were_not_sent_within_a_day_go(api: Api, uploads_folder: Path) -> None:
    team = Team()
    client = api(team.alice)
    kept = sent(team, client)
    fresh, old = put(client, b"fresh").json()["id"], put(client, b"old").json()["id"]
    Attachment.objects.filter(pk__in=[kept, old]).update(created_at=timezone.now() - WAITING_FOR)
    retain()
    assert set(Attachment.objects.values_list("pk", flat=True)) == {kept, fresh}
    assert len(files_in(uploads_folder)) == 2


@side_by_side
@pytest.mark.django_db(transaction=True)
async def test_a_file_that_is_just_being_sent_stays(uploads_folder: Path, api: Api) -> None:
    team = await threads.call(Team)
    waiting = await threads.call(lambda: put(api(team.alice), b"slow").json()["id"])
    old = timezone.now() - WAITING_FOR
    await threads.call(lambda: Attachment.objects.update(created_at=old))
    sending, swept = threading.Event(), threading.Event()

    @unit_of_work
    def send() -> None:
        team.say(team.alice, team.general, "at last", attachments=[waiting])
        sending.set()
        wait_until(swept)

    def sweep() -> None:
        assert sending.wait(5)
        retain()
        swept.set()

    await asyncio.gather(threads.call(send), threads.call(sweep))
    assert await threads.call(Attachment.objects.exclude(message=None).count) == 1
    assert len(files_in(uploads_folder)) == 1


@side_by_side
@pytest.mark.django_db(transaction=True)
async def test_a_file_that_is_just_being_removed_is_not_sent(
    uploads_folder: Path, api: Api
) -> None:
    team = await threads.call(Team)
    waiting = await threads.call(lambda: put(api(team.alice), b"late").json()["id"])
    old = timezone.now() - WAITING_FOR
    await threads.call(lambda: Attachment.objects.update(created_at=old))
    removing, tried = threading.Event(), threading.Event()

    @unit_of_work
    def sweep() -> None:
        retain()
        removing.set()
        wait_until(tried)

    def send() -> None:
        assert removing.wait(5)
        with pytest.raises(NotFound):
            team.say(team.alice, team.general, "too late", attachments=[waiting])
        tried.set()

    await asyncio.gather(threads.call(sweep), threads.call(send))
    assert not files_in(uploads_folder)


@pytest.mark.django_db
def test_what_a_crash_has_left_goes_after_a_day(team: Team, api: Api, uploads_folder: Path) -> None:
    put(api(team.alice), b"known")
    (known,) = files_in(uploads_folder)
    half, lost = uploads.Incoming(), uploads.Incoming()
    half.write(b"half")
    lost.write(b"lost")
    key = lost.finish().key
    retain()
    assert len(files_in(uploads_folder)) == 3
    for path in files_in(uploads_folder):
        age(path)
    retain()
    assert files_in(uploads_folder) == [known]
    with pytest.raises(FileNotFoundError):
        uploads.opened(key)
    half.discard()


def test_a_key_leads_nowhere_outside_of_the_folder() -> None:
    for key in ("../../etc/passwd", "/etc/passwd", "", "A" * 32):
        with pytest.raises(FileNotFoundError):
            uploads.opened(key)


# --- Over a real server -----------------------------------------------------------------------


async def test_a_large_file_comes_back_as_it_went_in(server: str) -> None:
    _team, cookies = await asyncio.to_thread(_team_and_cookies)
    data = os.urandom(3_000_000)
    async with httpx.AsyncClient(base_url=f"http://{server}", cookies=cookies) as client:
        headers = {"X-CSRFToken": cookies["csrftoken"]}
        files = {"file": ("large.bin", data, "application/octet-stream")}
        answer = await client.post(ADDRESS, data={"room": "general"}, files=files, headers=headers)
        assert answer.status_code == 201, answer.text
        download = await client.get(answer.json()["url"])
        assert download.content == data
        assert download.headers["Content-Length"] == str(len(data))
        assert download.headers["Accept-Ranges"] == "bytes"
        head = await client.head(answer.json()["url"])
        assert (head.status_code, head.content) == (200, b"")


async def test_a_body_beyond_all_bounds_is_refused_before_it_is_taken_in(server: str) -> None:
    async def endless() -> Any:
        for _ in range(40):
            yield b"x" * 2**20

    _team, cookies = await threads.call(_team_and_cookies)
    async with httpx.AsyncClient(base_url=f"http://{server}", cookies=cookies) as client:
        announced = await client.post(ADDRESS, content=b"x" * (22 * 2**20))
        assert announced.status_code == 413
        assert announced.json()["code"] == "invalid_command"
        unannounced = await client.post(ADDRESS, content=endless())
        assert unannounced.status_code == 413


def _team_and_cookies() -> tuple[Team, dict[str, str]]:
    team = Team()
    return team, {"sessionid": session_key_of(team.alice), "csrftoken": "c" * 32}
