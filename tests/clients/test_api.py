"""The REST helper of the Python client."""

import json

import httpx
import pytest
from pitwall_client import Api, ApiError


def answering(requests: list[httpx.Request], response: httpx.Response) -> httpx.MockTransport:
    def handle(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return response

    return httpx.MockTransport(handle)


async def test_samples_are_pushed_as_one_batch_into_a_workspace() -> None:
    requests: list[httpx.Request] = []
    transport = answering(requests, httpx.Response(201, json={"accepted": 2}))
    async with Api("http://pw/", "secret", workspace="main", transport=transport) as api:
        samples = [{"metric": "a", "value": 1}, {"metric": "b", "value": 2.5}]
        assert await api.push_samples(samples, partial=True) == 2
    [request] = requests
    assert request.url == "http://pw/api/v1/samples/?workspace=main&partial=1"
    assert request.headers["Authorization"] == "Bearer secret"
    assert json.loads(request.content) == {"samples": samples}


async def test_a_problem_becomes_an_error_with_fields_by_index() -> None:
    problem = {"code": "invalid_command", "detail": "Bad.", "errors": {"1": {"value": ["No."]}}}
    transport = answering([], httpx.Response(400, json=problem))
    async with Api("http://pw", "secret", transport=transport) as api:
        with pytest.raises(ApiError) as refused:
            await api.push_samples([{"metric": "a", "value": "x"}])
    assert (refused.value.status, refused.value.code) == (400, "invalid_command")
    assert refused.value.errors == {"1": {"value": ["No."]}}


async def test_a_throttled_request_tells_when_to_come_back() -> None:
    response = httpx.Response(429, json={"code": "rate_limited"}, headers={"Retry-After": "7"})
    transport = answering([], response)
    async with Api("http://pw", "secret", transport=transport, retry_for=0) as api:
        with pytest.raises(ApiError) as refused:
            await api.metrics()
    assert refused.value.retry_after == 7


async def test_an_error_page_of_a_proxy_is_an_error_too() -> None:
    response = httpx.Response(502, text="<html>Bad Gateway</html>")
    async with Api("http://pw", "secret", transport=answering([], response)) as api:
        with pytest.raises(ApiError) as refused:
            await api.ws_ticket()
    assert refused.value.status == 502


async def test_an_obtained_token_is_used_from_then_on() -> None:
    requests: list[httpx.Request] = []
    transport = answering(requests, httpx.Response(200, json={"access": "jwt", "results": []}))
    async with Api("http://pw", transport=transport) as api:
        assert await api.obtain_token("alice", "password") == "jwt"
        assert await api.metrics() == []
    assert "Authorization" not in requests[0].headers
    assert requests[1].headers["Authorization"] == "Bearer jwt"
