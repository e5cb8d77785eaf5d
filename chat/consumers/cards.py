"""Live cards on the chat socket: following them and running their actions."""

from __future__ import annotations

from collections import defaultdict

from chat.protocol import CardAction, CardActionAck, CardsAck, CardStatus, WatchCards
from notifications import cards
from realtime.consumers import RealtimeConsumer, on
from realtime.errors import NotFound
from realtime.streams.log import StreamKey


class CardCommands(RealtimeConsumer):
    """Commands for cards of any registered kind; their apps define the contents."""

    _card_streams: dict[str, StreamKey]

    def __init__(self) -> None:
        super().__init__()
        self._card_streams = {}

    @on(WatchCards)
    async def watch_cards(self, command: WatchCards) -> CardsAck:
        wanted: dict[str, list[str]] = defaultdict(list)
        for card in command.cards:
            cards.get(card.kind)  # refuse unknown kinds before anything changes
            if card.reference not in wanted[card.kind]:
                wanted[card.kind].append(card.reference)
        for kind in {*self._card_streams, *wanted}:
            await self._follow_cards(kind, wanted.get(kind, []))
        # Read after following, so that no change is missed in between.
        states = {
            kind: await self.call(cards.get(kind).state, self.principal, references)
            for kind, references in wanted.items()
        }
        return CardsAck(
            cards=[
                CardStatus(
                    kind=card.kind,
                    reference=card.reference,
                    state=states[card.kind].get(card.reference),
                )
                for card in command.cards
            ]
        )

    @on(CardAction)
    async def card_action(self, command: CardAction) -> CardActionAck:
        action = cards.get(command.kind).actions.get(command.name)
        if action is None:
            raise NotFound.field("name", f"A {command.kind} card has no action {command.name!r}.")
        await self.call(
            action,
            principal=self.principal,
            reference=command.reference,
            arguments=command.arguments,
        )
        return CardActionAck(kind=command.kind, reference=command.reference, name=command.name)

    async def _follow_cards(self, kind: str, references: list[str]) -> None:
        followed = None
        if references:
            followed = await self.call(cards.get(kind).followed, self.principal, references)
        before = self._card_streams.pop(kind, None)
        if before is not None and (followed is None or followed[0] != before):
            await self.unfollow_latest(before)
        if followed is not None:
            key, selection = followed
            await self.follow_latest(key, selection)
            self._card_streams[kind] = key
