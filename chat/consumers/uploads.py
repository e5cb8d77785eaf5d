"""File uploads over the chat socket, in binary frames."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass
from typing import Any

from chat import selectors, services
from chat.consumers.rooms import room_of
from chat.files import uploads
from chat.protocol import CancelUpload, Upload, UploadAck, UploadedAck
from realtime.consumers import RealtimeConsumer, on
from realtime.errors import Conflict, InvalidCommand, NotFound, UnsupportedData

# Frames smaller than this, except the last one, count towards the rate limit of commands.
SMALL_FRAME = 4096


@dataclass
class Reception:
    """An upload in progress: the announced file, and the part received so far."""

    upload_id: str
    room: str
    name: str
    size: int
    incoming: uploads.Incoming

    @property
    def missing(self) -> int:
        return self.size - self.incoming.size


class UploadCommands(RealtimeConsumer):
    """Commands for uploads, one at a time; other commands may come between the frames."""

    _reception: Reception | None = None
    # Bytes of a refused or cancelled upload that may still be in flight.
    _passing_by = 0

    @on(Upload)
    async def upload(self, command: Upload) -> UploadAck:
        if self.compressed:
            raise UnsupportedData("With compression binary frames are JSON: upload over REST.")
        if self._reception is not None:
            raise Conflict("An upload is under way already: finish or cancel it first.")
        room = room_of(command)
        await self.call(
            services.check_upload, principal=self.principal, room=room, size=command.size
        )
        incoming = await asyncio.to_thread(uploads.Incoming, command.size)
        upload_id = secrets.token_urlsafe(12)
        self._reception = Reception(upload_id, room, command.name, command.size, incoming)
        self._passing_by = 0
        return UploadAck(upload_id=upload_id, max_frame_bytes=int(self.limits["max_frame_bytes"]))

    @on(CancelUpload)
    async def cancel_upload(self, command: CancelUpload) -> UploadAck:
        reception = self._reception
        if reception is None or reception.upload_id != command.upload_id:
            raise NotFound.field("upload_id", "There is no such upload under way here.")
        await self._drop(reception)
        return UploadAck(upload_id=command.upload_id)

    def counts_as_command(self, message: dict[str, Any]) -> bool:
        """Exempt the frames of an upload from the rate limit: its size bounds them."""
        data, reception = message.get("bytes"), self._reception
        if data is None or self.echo_next:
            return True
        expected = reception.missing if reception is not None else self._passing_by
        return expected <= 0 or len(data) < min(SMALL_FRAME, expected)

    async def receive_binary(self, data: bytes) -> None:
        reception = self._reception
        if reception is None:
            if not 0 < len(data) <= self._passing_by:
                raise UnsupportedData("No upload and no echo is waiting for a binary frame.")
            self._passing_by -= len(data)
            return
        if len(data) > reception.missing:
            await self._drop(reception)
            self._passing_by = 0
            raise InvalidCommand.field(
                "size", f"More than the {reception.size} bytes that were announced."
            )
        try:
            # In another thread pool than the services: a slow disk blocks neither the event loop
            # nor, until the file is complete (_keep), the services.
            await asyncio.to_thread(reception.incoming.write, data)
        except Exception:
            await self._drop(reception)
            raise
        if not reception.missing:
            await self._keep(reception)

    async def _keep(self, reception: Reception) -> None:
        self._reception = None
        attachment = await self.call(
            services.store_upload,
            principal=self.principal,
            room=reception.room,
            name=reception.name,
            incoming=reception.incoming,
        )
        await self.send_event(
            UploadedAck(
                upload_id=reception.upload_id,
                attachment_id=attachment.pk,
                attachment=selectors.attachment_view(attachment),
            )
        )

    async def _drop(self, reception: Reception) -> None:
        self._reception = None
        self._passing_by = max(0, reception.missing)
        await asyncio.to_thread(reception.incoming.discard)

    def ended(self) -> None:
        if self._reception is not None:
            # Not awaited: the socket is gone, and a hanging disk must not delay its cleanup.
            loop = asyncio.get_running_loop()
            loop.run_in_executor(None, self._reception.incoming.discard)
            self._reception = None
        super().ended()
