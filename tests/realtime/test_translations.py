"""Errors are shown in the reader's language, and logged in English."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.utils.translation import override

from realtime.errors import AppError, Conflict, RateLimited, Reason
from realtime.translations import error_in, translated, translated_errors
from tests.conftest import Api, Connect
from tests.support.rooms import Team

TOO_LONG = Reason("A topic has at most %(most)d characters.", most=80)
IN_CHINESE = "主题最多 80 个字符。"
CHINESE = {"Accept-Language": "zh-CN,zh;q=0.9"}


def test_a_reason_is_its_english_text() -> None:
    assert TOO_LONG == "A topic has at most 80 characters."
    assert str(Conflict(TOO_LONG)) == "A topic has at most 80 characters."


def test_a_reason_is_translated_with_its_values() -> None:
    with override("zh-hans"):
        assert translated(TOO_LONG) == IN_CHINESE
        assert type(translated(TOO_LONG)) is str
        errors = {"topic": [TOO_LONG], "items": {"0": ("There is no such room.",)}, "count": 7}
        assert translated_errors(errors) == {
            "topic": [IN_CHINESE],
            "items": {"0": ["没有这个房间。"]},
            "count": 7,
        }


@pytest.mark.parametrize("text", ["", "Nobody has translated this.", "100 %", "没有这个房间。"])
def test_what_the_catalogue_does_not_have_is_told_as_it_is(text: str) -> None:
    with override("zh-hans"):
        assert translated(text) == text


def test_an_error_keeps_all_but_its_words() -> None:
    error = RateLimited("Too many commands.", errors={"x": ["?"]}, retry_after=3)
    told = error_in("zh-hans", error)
    assert isinstance(told, AppError)
    assert (told.message, told.code, told.status, told.errors, told.retry_after) == (
        "命令过多。", "rate_limited", 429, {"x": ["?"]}, 3,
    )  # fmt: skip
    assert error.message == "Too many commands."


@pytest.mark.django_db
def test_rest_answers_in_the_language_of_the_request(api: Api) -> None:
    team = Team()
    client = api(team.alice)

    def refusal(**headers: Any) -> dict[str, Any]:
        body = {"topic": "x" * 1000}
        problem = client.patch("/api/v1/rooms/general/", body, format="json", **headers).json()
        return {"detail": problem["detail"], "errors": problem["errors"]["topic"]}

    chinese, english = refusal(headers=CHINESE), refusal()
    assert chinese["errors"] == [chinese["detail"]]
    assert chinese["detail"].startswith("主题最多")
    assert english["detail"].startswith("A topic has at most")


@pytest.mark.django_db
def test_a_refused_form_says_so_in_the_language_of_the_request() -> None:
    body = {"username": ["mina"]}
    answer = Client(headers=CHINESE).post("/api/v1/token/", body, content_type="application/json")
    assert answer.json()["detail"] == "部分字段无效。"


async def test_a_socket_answers_in_the_language_of_its_browser(connect: Connect) -> None:
    team = await asyncio.to_thread(Team)
    sockets = {
        "accepted": await connect("/ws/chat/", user=team.alice, headers=CHINESE),
        "neither": await connect("/ws/chat/", user=team.alice),
    }
    told = {}
    for name, socket in sockets.items():
        error = await socket.command("send_message", room="nowhere", text="hello")
        told[name] = error["message"]
    assert told == {"accepted": "没有这个房间。", "neither": "There is no such room."}


async def test_the_language_that_was_chosen_wins_over_the_accepted_one(connect: Connect) -> None:
    team = await asyncio.to_thread(Team)
    cookie = f"{settings.LANGUAGE_COOKIE_NAME}=en"
    socket = await connect("/ws/chat/", user=team.alice, headers=CHINESE | {"Cookie": cookie})
    error = await socket.command("send_message", room="nowhere", text="hello")
    assert error["message"] == "There is no such room."
