"""The chat socket: many rooms on one connection."""

from __future__ import annotations

from datetime import datetime

from msgspec import UNSET

from chat import selectors, services
from chat.batching import poster
from chat.consumers.cards import CardCommands
from chat.consumers.rooms import RoomCommands, room_of
from chat.consumers.uploads import UploadCommands
from chat.models import Message
from chat.protocol import (
    Broadcast,
    DeleteMessage,
    EditMessage,
    HistoricalData,
    History,
    MarkRead,
    MessageAck,
    React,
    ReadAck,
    SendMessage,
    SentAck,
    SetPin,
)
from realtime.consumers import on
from realtime.errors import InvalidCommand, NotAnObject


class ChatConsumer(RoomCommands, CardCommands, UploadCommands):
    """/ws/chat/ (docs/protocol/chat.md)."""

    async def receive_bare_text(self, text: str, error: NotAnObject) -> None:
        """Post text that is not JSON as a message in the room of the URL."""
        room = self.room_of_address()
        if room is None:
            raise error
        await self.reply(await self._post(SendMessage(room=room, text=text)))

    @on(SendMessage)
    async def send_message(self, command: SendMessage) -> SentAck:
        return await self._post(command)

    @on(Broadcast)
    async def broadcast(self, command: Broadcast) -> SentAck:
        return await self._post(command)

    @on(EditMessage)
    async def edit_message(self, command: EditMessage) -> MessageAck:
        message = await self.call(
            services.edit_message,
            principal=self.principal,
            message_id=command.message_id,
            text=command.text,
            confirm=command.confirm,
            expected_edited_at=_expected(command),
        )
        return _ack(message)

    @on(DeleteMessage)
    async def delete_message(self, command: DeleteMessage) -> MessageAck:
        message = await self.call(
            services.delete_message,
            principal=self.principal,
            message_id=command.message_id,
            reason=command.reason,
        )
        return _ack(message)

    @on(React)
    async def react(self, command: React) -> MessageAck:
        message = await self.call(
            services.set_reaction,
            principal=self.principal,
            message_id=command.message_id,
            emoji=command.emoji,
            on=command.on,
        )
        return _ack(message)

    @on(SetPin)
    async def pin(self, command: SetPin) -> MessageAck:
        message = await self.call(
            services.set_pin,
            principal=self.principal,
            message_id=command.message_id,
            on=command.on,
        )
        return _ack(message)

    @on(MarkRead)
    async def mark_read(self, command: MarkRead) -> ReadAck:
        room = room_of(command)
        state = await self.call(
            services.mark_read, principal=self.principal, room=room, sequence=command.sequence
        )
        return ReadAck(
            room=room, sequence=state.sequence, unread=state.unread, mentions=state.mentions
        )

    @on(History)
    async def history(self, command: History) -> HistoricalData:
        return await self.call(
            selectors.history,
            self.principal,
            room_of(command),
            before=command.before,
            after=command.after,
            around=command.around,
            limit=command.limit,
        )

    async def _post(self, command: SendMessage) -> SentAck:
        card = command.card
        draft = await self.call(
            services.draft_message,
            principal=self.principal,
            room=room_of(command),
            text=_text_of(command),
            client_message_id=command.client_message_id,
            reply_to=command.reply_to,
            attachments=command.attachments,
            card=None if card is None else (card.kind, card.reference),
            confirm=command.confirm,
        )
        return (await poster.submit(draft)).view(SentAck)


def _text_of(command: SendMessage) -> str:
    if command.text is not None and command.message is not None:
        raise InvalidCommand.field("message", "Give either text or message: they are the same.")
    return command.text if command.text is not None else command.message or ""


def _expected(command: EditMessage) -> datetime | None:
    if command.expected_edited_at is UNSET:
        expected: datetime | None = services.ANY_VERSION
        return expected
    if command.expected_edited_at is None:
        return None
    try:
        return datetime.fromisoformat(command.expected_edited_at.upper())
    except ValueError:
        raise InvalidCommand.field("expected_edited_at", "This is no RFC 3339 time.") from None


def _ack(message: Message) -> MessageAck:
    return MessageAck(room=message.room.slug, sequence=message.sequence, message_id=message.pk)
