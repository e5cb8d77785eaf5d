"""The broadcast loop from FastAPI's documentation: keep a list, await each send in turn.

https://fastapi.tiangolo.com/advanced/websockets/#handling-disconnections-and-multiple-clients
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, WebSocket, WebSocketDisconnect

from benchmarks.support import ticks
from benchmarks.support.publisher import publishing


class ConnectionManager:
    def __init__(self) -> None:
        self.active_connections: list[WebSocket] = []

    async def connect(self, websocket: WebSocket) -> None:
        await websocket.accept()
        self.active_connections.append(websocket)

    def disconnect(self, websocket: WebSocket) -> None:
        self.active_connections.remove(websocket)

    async def broadcast(self, message: str) -> None:
        for connection in list(self.active_connections):
            await connection.send_text(message)


manager = ConnectionManager()


async def send_tick(number: int, at: float) -> None:
    await manager.broadcast(ticks.text(number, at))


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with publishing(int(os.environ["BENCH_CONTROL_PORT"]), send_tick):
        yield


app = FastAPI(lifespan=lifespan)


@app.websocket("/ws")
async def endpoint(websocket: WebSocket) -> None:
    await manager.connect(websocket)
    try:
        while True:
            await websocket.receive_text()
    except WebSocketDisconnect:
        manager.disconnect(websocket)
