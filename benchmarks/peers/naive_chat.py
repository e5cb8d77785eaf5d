"""A chat on the pattern of FastAPI's documentation, with an INSERT for each message.

The loop of https://fastapi.tiangolo.com/advanced/websockets/ with rooms; before a message is sent
out it is stored, committed and given its id, following the documentation of psycopg
(https://www.psycopg.org/psycopg3/docs/) and sqlite3. There are no permissions, no numbering within
rooms, no search, and no recovery after a reconnect. With BENCH_NUMBERED=1, messages are numbered
within their rooms and deduplicated by client id, with one transaction per message (PostgreSQL). It
accepts Pitwall's frames `subscribe` and `send_message`.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections import defaultdict
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any, Protocol
from uuid import uuid4

from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from psycopg_pool import AsyncConnectionPool

TABLE = "CREATE TABLE message (id {id}, room text, author text, text text, at timestamp)"
INSERT = "INSERT INTO message (room, author, text, at) VALUES ({0}, {0}, {0}, current_timestamp)"


class Store(Protocol):
    async def insert(self, room: str, author: str, text: str) -> int: ...


class PostgreSQL:
    """A connection pool; each INSERT commits by itself."""

    def __init__(self, pool: AsyncConnectionPool) -> None:
        self._pool = pool

    async def insert(self, room: str, author: str, text: str) -> int:
        async with self._pool.connection() as connection:
            cursor = await connection.execute(
                INSERT.format("%s") + " RETURNING id", (room, author, text)
            )
            row = await cursor.fetchone()
        assert row is not None
        return int(row[0])


class NumberedPostgreSQL:
    """Uses one transaction per message: numbers it under the room's lock, and stores it."""

    TABLES = """
        CREATE TABLE room (name text PRIMARY KEY, head bigint NOT NULL DEFAULT 0);
        CREATE TABLE numbered (
            room text, number bigint, author text, client_id text, text text,
            at timestamptz DEFAULT now(),
            PRIMARY KEY (room, number), UNIQUE (room, author, client_id)
        )
    """

    def __init__(self, pool: AsyncConnectionPool) -> None:
        self._pool = pool

    async def insert(self, room: str, author: str, text: str) -> int:
        async with self._pool.connection() as connection:
            await connection.execute(
                "INSERT INTO room (name) VALUES (%s) ON CONFLICT DO NOTHING", (room,)
            )
            cursor = await connection.execute(
                "UPDATE room SET head = head + 1 WHERE name = %s RETURNING head", (room,)
            )
            row = await cursor.fetchone()
            assert row is not None
            await connection.execute(
                "INSERT INTO numbered (room, number, author, client_id, text)"
                " VALUES (%s, %s, %s, %s, %s)",
                (room, row[0], author, str(uuid4()), text),
            )
        return int(row[0])


class SQLite:
    """Uses one connection in its own thread, with Pitwall's pragmas."""

    def __init__(self, path: str) -> None:
        self._thread = ThreadPoolExecutor(1)
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=NORMAL")
        self._connection.execute(TABLE.format(id="integer PRIMARY KEY"))

    async def insert(self, room: str, author: str, text: str) -> int:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, self._insert, room, author, text)

    def _insert(self, room: str, author: str, text: str) -> int:
        cursor = self._connection.execute(INSERT.format("?"), (room, author, text))
        return int(cursor.lastrowid or 0)


class ConnectionManager:
    def __init__(self) -> None:
        self.rooms: dict[str, list[WebSocket]] = defaultdict(list)

    def leave(self, websocket: WebSocket) -> None:
        for sockets in self.rooms.values():
            if websocket in sockets:
                sockets.remove(websocket)

    async def broadcast(self, room: str, message: dict[str, Any]) -> None:
        for websocket in list(self.rooms[room]):
            await websocket.send_json(message)


manager = ConnectionManager()
store: Store


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    global store
    address = os.environ["BENCH_DATABASE"]
    if not address.startswith("postgres"):
        store = SQLite(address)
        yield
        return
    async with AsyncConnectionPool(address, min_size=8, max_size=8) as pool:
        async with pool.connection() as connection:
            numbered = bool(os.environ.get("BENCH_NUMBERED"))
            plain = TABLE.format(id="bigserial PRIMARY KEY")
            tables = NumberedPostgreSQL.TABLES if numbered else plain
            await connection.execute(tables.encode())
        store = NumberedPostgreSQL(pool) if numbered else PostgreSQL(pool)
        yield


app = FastAPI(lifespan=lifespan)


@app.websocket("/ws")
async def endpoint(websocket: WebSocket) -> None:
    await websocket.accept()
    author = f"driver{id(websocket)}"
    try:
        while True:
            await take(websocket, author, await websocket.receive_json())
    except WebSocketDisconnect:
        manager.leave(websocket)


async def take(websocket: WebSocket, author: str, command: dict[str, Any]) -> None:
    if command["action"] == "subscribe":
        for room in command["rooms"]:
            manager.rooms[room].append(websocket)
        await websocket.send_json({"type": "subscription_confirmed"})
        return
    room, text = command["room"], command["text"]
    number = await store.insert(room, author, text)
    message = {"type": "chat_message", "room": room, "message_id": number, "username": author}
    await manager.broadcast(room, {**message, "message": text})
    await websocket.send_json({"type": "ack", "id": command["id"], "message_id": number})
