"""Rooms on the chat socket: following, joining, leaving, typing and attention."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any, Protocol

from chat import selectors, services
from chat.policy import RoomAction
from chat.protocol import (
    TYPING_EVERY,
    TYPING_SECONDS,
    Away,
    JoinRoom,
    LeaveRoom,
    MemberList,
    Members,
    OpenDirect,
    RoomAck,
    Subscribe,
    SubscriptionConfirmed,
    Typing,
    TypingNow,
    Unsubscribe,
    UnsubscriptionConfirmed,
)
from chat.protocol.views import RoomSummary
from chat.selectors import Overview
from chat.streams import keys, live
from chat.streams.exits import reason_of
from realtime import messages
from realtime.consumers import FollowedLogs, RealtimeConsumer, on, refuse_unknown_streams
from realtime.errors import InvalidCommand, NotFound, PermissionDenied
from realtime.protocol import ConfirmedPosition, Position, rfc3339
from realtime.streams.log import StreamKey


class NamesRoom(Protocol):
    """A command that names a room; `channel` is an alias of `room`."""

    room: str | None
    channel: str | None


def room_of(command: NamesRoom) -> str:
    """Return the room that a command names.

    Raises:
        InvalidCommand: it names none or two.
    """
    if (command.room is None) == (command.channel is None):
        raise InvalidCommand.field(
            "room", "Name one room." if command.room is None else "Give either room or channel."
        )
    return command.room or command.channel or ""


class RoomCommands(RealtimeConsumer):
    """Commands for following rooms, entering and leaving them."""

    def __init__(self) -> None:
        super().__init__()
        # When this socket's typing was last forwarded, by slug (monotonic seconds).
        self._typed: dict[str, float] = {}
        self._is_away = False

    async def connected(self) -> None:
        self.connection.on_put_out = self._put_out
        # A socket opened for one room follows it from the start.
        if room := self.room_of_address():
            async with self.snapshot_first():
                await self._subscribe(Subscribe(rooms=[room]))

    @on(messages.Authenticate)
    async def authenticate(self, command: messages.Authenticate) -> None:
        await super().authenticate(command)
        if command.channels and self.connection.principal is not None:
            await self._subscribe(Subscribe(rooms=command.channels))

    @on(Subscribe)
    async def subscribe(self, command: Subscribe) -> None:
        await self._subscribe(command, as_reply=True)

    @on(Unsubscribe)
    async def unsubscribe(self, command: Unsubscribe) -> UnsubscriptionConfirmed:
        rooms = self.followed if command.rooms is None else command.rooms
        taken_off = [slug for slug in dict.fromkeys(rooms) if slug in self.followed]
        for slug in taken_off:
            await self._unfollow(slug)
        return UnsubscriptionConfirmed(rooms=taken_off)

    @on(Members)
    async def members(self, command: Members) -> MemberList:
        return await self.call(selectors.member_list, self.principal, command.room)

    @on(JoinRoom)
    async def join_room(self, command: JoinRoom) -> RoomAck:
        await self.call(services.join_room, principal=self.principal, room=command.room)
        return await self._room_ack(command.room)

    @on(LeaveRoom)
    async def leave_room(self, command: LeaveRoom) -> RoomAck:
        await self.call(services.leave_room, principal=self.principal, room=command.room)
        return RoomAck(room=command.room)

    @on(OpenDirect)
    async def open_direct(self, command: OpenDirect) -> RoomAck:
        room = await self.call(
            services.open_direct_room,
            principal=self.principal,
            user_id=command.user_id,
            username=command.username,
        )
        return await self._room_ack(room.slug)

    @on(Typing)
    async def typing(self, command: Typing) -> RoomAck:
        """Forward it at most every two seconds; it expires by itself."""
        slug, now = room_of(command), time.monotonic()
        if now - self._typed.get(slug, float("-inf")) >= TYPING_EVERY:
            await self.call(selectors.require_in, self.principal, slug, RoomAction.POST)
            recent = {room: at for room, at in self._typed.items() if now - at < TYPING_EVERY}
            self._typed = recent | {slug: now}
            live.tell(
                self.principal.workspace_id,
                TypingNow(
                    room=slug,
                    user_id=self.principal.user_id,
                    username=self.principal.username,
                    expires_in=TYPING_SECONDS,
                    timestamp=rfc3339(time.time()),
                ),
            )
        return RoomAck(room=slug)

    @on(Away)
    async def away(self, command: Away) -> messages.Ack:
        """Record it; rooms are told only if no other connection has the user's attention."""
        self._is_away = command.on
        self._attend()
        return messages.Ack()

    def room_of_address(self) -> str | None:
        """Return the room that this socket was opened for (`?room=`), if any.

        Raises:
            NotFound: no room can have that name.
        """
        room = self.query.get("room")
        if room and "\0" in room:
            raise _not_found([room])  # no column holds U+0000: the database would refuse the query
        return room or None

    async def requested_data(self, request: str) -> Any:
        if request == "rooms":
            return await self.call(selectors.room_summaries, self.principal)
        return await super().requested_data(request)

    @property
    def followed(self) -> list[str]:
        """The rooms that this socket follows."""
        slugs = (keys.slug_of(key.name) for key in self.followed_logs)
        return [slug for slug in slugs if slug is not None]

    # --- Following ----------------------------------------------------------------------------

    async def _subscribe(self, command: Subscribe, *, as_reply: bool = False) -> None:
        recover = _positions(command.recover or {})
        wanted, left_out = await self._wanted(command, recover)
        there = await self.call(selectors.roles_in, self.principal, wanted)
        if unknown := [slug for slug in wanted if slug not in there and slug not in recover]:
            raise _not_found(unknown)
        self.require_room_for(*(self._key(slug) for slug in there))
        if command.join:
            for slug, role in there.items():
                if role is None and slug not in recover:
                    # A user who was removed may still read, as everybody in the workspace may.
                    with suppress(PermissionDenied):
                        await self.call(services.join_room, principal=self.principal, room=slug)
        before = set(self.followed)
        try:
            followed = await self._follow(there, recover)
            # Checked again: from here on, events of the stream end a removed user's subscription.
            confirmed = await self.call(selectors.overviews, self.principal, list(there))
        except BaseException:
            await self._unfollow_all(set(there) - before)
            raise
        await self._unfollow_all(set(there) - confirmed.keys())
        reply = SubscriptionConfirmed(
            rooms={slug: seen.standing() for slug, seen in confirmed.items()},
            positions={
                name: place
                for name, place in followed.positions.items()
                if keys.slug_of(name) in confirmed
            },
        )
        if left_out:
            reply.not_followed = left_out
        await (self.reply(reply) if as_reply else self.send_event(reply))
        if gone := [slug for slug in wanted if slug not in confirmed]:
            await self.send_event(UnsubscriptionConfirmed(rooms=gone, reason="not_found"))
        for slug, seen in confirmed.items():
            await self._begin(seen, followed.places[self._key(slug)], command.history)

    async def _wanted(
        self, command: Subscribe, recover: dict[str, Position]
    ) -> tuple[list[str], list[str]]:
        """Return the rooms to follow, and those of the user for which there is no place."""
        if command.rooms is not None or recover:
            return list(dict.fromkeys([*(command.rooms or ()), *recover])), []
        mine = await self.call(selectors.room_summaries, self.principal, joined=True)
        # Others can add a user to any number of rooms, which must not end in an error here.
        mine.sort(key=_newest_first)
        slugs = [summary.slug for summary in mine]
        free = self.free_places(*(self._key(slug) for slug in slugs))
        return slugs[:free], slugs[free:]

    async def _follow(self, slugs: Iterable[str], recover: Mapping[str, Position]) -> FollowedLogs:
        wanted = {slug: self._key(slug) for slug in slugs}
        positions = {key.name: recover[slug] for slug, key in wanted.items() if slug in recover}
        for key in wanted.values():
            await self.follow_latest(key, live.Everything())
        return await self.follow_logs(wanted.values(), positions)

    async def _unfollow(self, slug: str) -> None:
        key = self._key(slug)
        self.leave(key.name)
        await self.unfollow_latest(key)
        await self.unfollow_log(key)

    async def _unfollow_all(self, slugs: Iterable[str]) -> None:
        for slug in slugs:
            await self._unfollow(slug)

    def _put_out(self, key: StreamKey, payload: str) -> None:
        """Tell the client that an event of the room has ended its subscription."""
        slug = keys.slug_of(key.name)
        if slug is None:
            return
        event = UnsubscriptionConfirmed(rooms=[slug], reason=reason_of(payload))
        self.leave(key.name)
        self.push(event)

    async def _begin(self, seen: Overview, place: ConfirmedPosition, messages: int) -> None:
        """Enter a followed room, and send its snapshot unless the client has recovered."""
        slug = seen.info.slug
        if slug not in self.followed:
            return  # the subscription has ended meanwhile
        self.enter(self._key(slug).name)
        self._attend()
        if place.recovered:
            return
        position = Position(place.epoch, place.offset)
        try:
            found = await self.call(selectors.snapshot, self.principal, seen, position, messages)
        except NotFound:
            return  # removed since, and already told
        await self.send_event(found)

    def _attend(self) -> None:
        """Enter or leave the scope of attentive users."""
        if self._is_away:
            self.leave(keys.ATTENTION)
        else:
            self.enter(keys.ATTENTION)

    async def _room_ack(self, slug: str) -> RoomAck:
        info = await self.call(selectors.room_summary, self.principal, slug)
        return RoomAck(room=slug, info=info)

    def _key(self, slug: str) -> StreamKey:
        return keys.room(self.principal.workspace_id, slug)


def _newest_first(room: RoomSummary) -> tuple[int, str]:
    """Sort rooms by their newest message, the newest first, and those without one last."""
    return (-room.last_message.message_id if room.last_message else 0, room.slug)


def _positions(recover: Mapping[str, Position]) -> dict[str, Position]:
    """Return the positions by room; refuses streams that are not rooms."""
    refuse_unknown_streams(name for name in recover if not keys.slug_of(name))
    return {keys.slug_of(name) or "": position for name, position in recover.items()}


def _not_found(slugs: list[str]) -> NotFound:
    shown = ", ".join(slug[:64] for slug in slugs[:5])
    return NotFound.field("rooms", f"There is no room {shown}.")
