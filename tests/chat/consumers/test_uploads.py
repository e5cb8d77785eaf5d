"""Files over the chat socket, in binary frames."""

from __future__ import annotations

import asyncio
import json
import os
import zlib
from pathlib import Path
from typing import Any

import pytest

from chat import services
from chat.files import uploads
from chat.models import Attachment, Role
from realtime.database import threads
from tests.support.files import PNG
from tests.support.rooms import Team

FRAME = 65_536
WITHIN = 5.0

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def team(transactional_db: None) -> Team:
    return Team()


@pytest.fixture
def socket(connect: Any) -> Any:
    async def opened(user: Any, **query: str) -> Any:
        client = await connect("/ws/chat/", user=user, **query)
        await client.event("connection_established")
        return client

    return opened


async def begin(client: Any, data: bytes, **fields: Any) -> Any:
    fields = {"room": "general", "name": "notes.txt", **fields}
    return await client.command("upload", size=len(data), **fields)


async def pour(client: Any, data: bytes, piece: int = FRAME) -> None:
    for start in range(0, len(data), piece):
        await client.send_text(data[start : start + piece])


def on_disk(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


async def emptied(folder: Path) -> None:
    """Wait until the folder is empty."""
    async with asyncio.timeout(WITHIN):
        while on_disk(folder):
            await asyncio.sleep(0.01)


async def test_a_file_comes_in_pieces_and_goes_out_with_a_message(socket: Any, team: Team) -> None:
    data = os.urandom(300_000)
    client = await socket(team.alice)
    begun = await begin(client, data, name="日志.bin", content_type="image/png")
    assert begun["type"] == "ack"
    await pour(client, data)
    done = await client.event("ack")
    assert done["upload_id"] == begun["upload_id"]
    assert "id" not in done
    assert done["attachment"]["name"] == "日志.bin"
    assert (done["attachment"]["size"], done["attachment"]["inline"]) == (300_000, False)
    sent = await client.command(
        "send_message", room="general", text="", attachments=[done["attachment_id"]]
    )
    assert sent["type"] == "ack"
    kept = await threads.call(Attachment.objects.get)
    assert kept.message_id == sent["message_id"]
    with uploads.opened(kept.key) as file:
        assert file.read() == data


async def test_a_picture_is_known_by_its_content(socket: Any, team: Team) -> None:
    client = await socket(team.alice)
    await begin(client, PNG, content_type="text/html")
    await pour(client, PNG)
    attachment = (await client.event("ack"))["attachment"]
    assert (attachment["content_type"], attachment["inline"]) == ("image/png", True)
    assert (attachment["width"], attachment["height"]) == (3, 2)


async def test_other_commands_go_on_between_the_pieces(socket: Any, team: Team) -> None:
    client = await socket(team.alice)
    await begin(client, b"x" * 8000)
    await client.send_text(b"x" * 4096)
    said = await client.command("send_message", room="general", text="still here")
    assert said["type"] == "ack"
    await client.send({"action": "echo"})
    await client.send_text(b"echoed")
    # Pushes of messages are text frames and may arrive in between.
    while isinstance(frame := await client.connection.recv(), str):
        pass
    assert frame == b"echoed"
    await client.send_text(b"x" * 3904)
    assert (await client.event("ack"))["attachment"]["size"] == 8000


async def test_large_pieces_do_not_wait_for_the_rate_of_commands(
    socket: Any, team: Team, settings: Any
) -> None:
    settings.REALTIME_LIMITS = {**settings.REALTIME_LIMITS, "commands_per_second": 1}
    settings.REALTIME_LIMITS["command_burst"] = 5
    client = await socket(team.alice)
    data = os.urandom(40 * 8192)
    await begin(client, data)
    await pour(client, data, 8192)
    assert (await client.event("ack"))["attachment"]["size"] == len(data)


async def test_many_tiny_pieces_are_held_to_the_rate_of_commands(
    socket: Any, team: Team, settings: Any
) -> None:
    settings.REALTIME_LIMITS = {**settings.REALTIME_LIMITS, "commands_per_second": 1}
    settings.REALTIME_LIMITS["command_burst"] = 5
    client = await socket(team.alice)
    await begin(client, b"x" * 100_000)
    for _ in range(10):
        await client.send_text(b"x")
    assert (await client.event("error"))["code"] == "rate_limited"


async def test_one_upload_at_a_time_and_it_can_be_cancelled(
    socket: Any, team: Team, uploads_folder: Path
) -> None:
    client = await socket(team.alice)
    first = await begin(client, b"x" * 100)
    await client.send_text(b"x" * 50)
    assert (await begin(client, b"y"))["code"] == "conflict"
    wrong = await client.command("cancel_upload", upload_id="another")
    assert wrong["code"] == "not_found"
    cancelled = await client.command("cancel_upload", upload_id=first["upload_id"])
    assert cancelled["type"] == "ack"
    await emptied(uploads_folder)
    await begin(client, b"y")
    await pour(client, b"y")
    assert (await client.event("ack"))["attachment"]["size"] == 1


async def test_more_than_was_announced_is_refused(
    socket: Any, team: Team, uploads_folder: Path
) -> None:
    client = await socket(team.alice)
    await begin(client, b"12345")
    await client.send_text(b"123456")
    error = await client.event("error")
    assert (error["code"], list(error["errors"])) == ("invalid_command", ["size"])
    await emptied(uploads_folder)
    assert not await threads.call(Attachment.objects.exists)


@pytest.mark.parametrize(
    ("size", "field"), [(0, "size"), (-1, "size"), (20 * 2**20 + 1, "size"), ("9", "size")]
)
async def test_a_size_that_cannot_be_is_refused_at_once(
    socket: Any, team: Team, uploads_folder: Path, size: Any, field: str
) -> None:
    client = await socket(team.alice)
    refused = await client.command("upload", room="general", name="a", size=size)
    assert (refused["code"], list(refused["errors"])) == ("invalid_command", [field])
    assert on_disk(uploads_folder) == []


async def test_a_room_that_one_may_not_write_in_takes_no_upload(
    socket: Any, team: Team, uploads_folder: Path
) -> None:
    reader = await threads.call(team.person, "reader")
    await threads.call(team.add, team.ops, reader, Role.READ_ONLY)
    assert (await begin(await socket(reader), b"x", room="ops"))["code"] == "permission_denied"
    outsider = await socket(team.carol)
    hidden = await begin(outsider, b"x", room="ops")
    none = await begin(outsider, b"x", room="nowhere")
    assert hidden | {"id": 0} == none | {"id": 0}
    assert hidden["code"] == "not_found"
    assert on_disk(uploads_folder) == []


async def test_who_is_put_out_half_way_leaves_no_file(
    socket: Any, team: Team, uploads_folder: Path
) -> None:
    client = await socket(team.bob)
    await begin(client, b"x" * 10, room="ops")
    await client.send_text(b"x" * 5)
    await threads.call(
        services.remove_member,
        principal=await threads.call(team.as_, team.alice),
        room="ops",
        user_id=team.bob.pk,
    )
    await client.send_text(b"x" * 5)
    assert (await client.event("error"))["code"] == "not_found"
    await emptied(uploads_folder)


async def test_a_socket_that_goes_half_way_leaves_nothing(
    socket: Any, team: Team, uploads_folder: Path
) -> None:
    client = await socket(team.alice)
    await begin(client, b"x" * 100_000)
    await client.send_text(b"x" * 50_000)
    await client.command("ping")
    assert on_disk(uploads_folder)
    await client.close()
    await emptied(uploads_folder)


async def test_what_follows_a_refused_upload_is_let_pass_and_the_socket_lives_on(
    socket: Any, team: Team, uploads_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = await socket(team.alice)
    data = b"x" * (10 * FRAME)
    await begin(client, data)

    def full(self: Any, chunk: bytes) -> None:
        raise uploads._no_disk()

    monkeypatch.setattr(uploads.Incoming, "write", full)
    await pour(client, data)
    assert (await client.event("error"))["code"] == "unavailable"
    assert (await client.command("ping"))["type"] == "pong"
    assert [frame["type"] for frame in client.frames if frame["type"] == "error"] == []
    monkeypatch.undo()
    await begin(client, b"again")
    await pour(client, b"again")
    assert (await client.event("ack"))["attachment"]["size"] == 5
    assert len(on_disk(uploads_folder)) == 1


async def test_a_binary_frame_that_nobody_expects_is_unsupported(socket: Any, team: Team) -> None:
    client = await socket(team.alice)
    await client.send_text(b"out of the blue")
    assert (await client.event("error"))["code"] == "unsupported_data"
    assert (await client.command("ping"))["type"] == "pong"


async def test_with_compression_files_go_over_rest(connect: Any, team: Team) -> None:
    client = await connect("/ws/chat/", user=team.alice, compress="zlib")
    command = {"action": "upload", "id": 1, "room": "general", "name": "a", "size": 1}
    await client.send_text(zlib.compress(json.dumps(command).encode()))
    async with asyncio.timeout(WITHIN):
        while (frame := json.loads(zlib.decompress(await client.connection.recv()))).get("id") != 1:
            pass
    assert frame["code"] == "unsupported_data"
