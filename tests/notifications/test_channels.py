"""Channels that apps register to deliver messages."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from notifications import channels
from notifications.cards import Card
from notifications.channels import Channel, ChannelMessage, Part, Target
from notifications.services import send_to_channel
from realtime.errors import NotFound
from tests.notifications.conftest import Team

pytestmark = pytest.mark.django_db


class Pager(Channel):
    """A channel to the outside: it stores what its worker sends later."""

    name = "pager"
    label = "Pager"
    carries = frozenset({Part.SEVERITY})

    def __init__(self) -> None:
        self.outbox: list[tuple[int, Target, ChannelMessage]] = []

    def send(self, workspace_id: int, target: Target, message: ChannelMessage) -> None:
        self.outbox.append((workspace_id, target, message))


@pytest.fixture
def pager() -> Iterator[Pager]:
    channel = Pager()
    channels.register(channel)
    yield channel
    channels.registry.unregister("pager")


def test_a_channel_gets_what_it_can_carry_and_no_more(pager: Pager, team: Team) -> None:
    message = ChannelMessage(
        title="Box", text="this lap", severity="warning", link="/x", card=Card("lap", "1", {})
    )
    send_to_channel(
        workspace_id=team.workspace.pk, channel="pager", target={"number": "7"}, message=message
    )
    assert pager.outbox == [
        (team.workspace.pk, {"number": "7"}, ChannelMessage(title="Box", severity="warning"))
    ]


def test_a_channel_that_nobody_registered_is_not_found(pager: Pager) -> None:
    assert channels.get("pager") is pager
    with pytest.raises(NotFound, match="no_such"):
        channels.get("no_such")
    with pytest.raises(ValueError, match="pager"):
        channels.register(Pager())
