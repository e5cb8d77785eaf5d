"""FastAPI with dictionaries of sockets, the usual first attempt: filtered ticks, rooms, users."""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, WebSocket, WebSocketDisconnect

from benchmarks.support import mixture
from benchmarks.support.publisher import publishing

FOLLOWERS = int(os.environ["BENCH_MIXED_FOLLOWERS"])

metrics_of: dict[WebSocket, list[str]] = {}
rooms: dict[int, set[WebSocket]] = defaultdict(set)
users: dict[int, WebSocket] = {}


async def send_round(number: int, at: float) -> None:
    values = mixture.readings(number, at)
    for socket, names in list(metrics_of.items()):
        await socket.send_json({"type": "tick", "metrics": {name: values[name] for name in names}})
    for follower in mixture.followers_of(number, FOLLOWERS):
        if follower in users:
            await users[follower].send_text(said(mixture.PUSH, number, at))
    for room in mixture.rooms_of(number):
        for socket in list(rooms[room]):
            await socket.send_text(said(mixture.MESSAGE, number, at))


def said(kind: int, number: int, at: float) -> str:
    return json.dumps({"type": "said", "kind": kind, "q": number, "t": at, "text": mixture.TEXT})


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with publishing(int(os.environ["BENCH_CONTROL_PORT"]), send_round):
        yield


app = FastAPI(lifespan=lifespan)


@app.websocket("/ws")
async def endpoint(websocket: WebSocket) -> None:
    await websocket.accept()
    wanted = await websocket.receive_json()
    metrics_of[websocket] = wanted["metrics"]
    rooms[wanted["room"]].add(websocket)
    users[wanted["number"]] = websocket
    await websocket.send_json({"type": "subscription_confirmed"})
    try:
        while True:
            await websocket.receive_text()
    except WebSocketDisconnect:
        del metrics_of[websocket]
        rooms[wanted["room"]].discard(websocket)
        users.pop(wanted["number"], None)
