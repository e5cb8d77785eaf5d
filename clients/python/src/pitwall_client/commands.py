"""Commands: one at a time or many, at the pace that the server takes them."""

import asyncio

from .frames import Frame, encode
from .link import Link, now
from .pacing import IN_FLIGHT, LEAST
from .session import error_of
from .state import Standing


class Commands:
    """Sends the commands of one client and waits for their replies."""

    def __init__(self, link: Link, standing: Standing) -> None:
        self._link = link
        self._standing = standing
        self._places = asyncio.Semaphore(IN_FLIGHT)

    async def run(self, action: str, fields: Frame, within: float) -> Frame:
        """Send a command and return its reply; see `Client.command`."""
        async with asyncio.timeout(within):
            await self._standing.until_open()
        async with self._places:
            waited = 0.0
            while True:
                answer = await self._exchange(action, fields, within)
                error = error_of(answer)
                if error is None:
                    return answer
                waited += error.retry_after or LEAST
                if error.code != "rate_limited" or error.retry_after is None or waited > within:
                    raise error
                whole_connection = "remaining" in answer
                self._link.pace.refused(error.retry_after, now(), whole_connection=whole_connection)

    async def _exchange(self, action: str, fields: Frame, within: float) -> Frame:
        """Send a command when it is its turn; return the reply, which may be an error."""
        while (delay := self._link.pace.delay(now())) > 0:
            await asyncio.sleep(delay)
        async with asyncio.timeout(within):
            await self._standing.until_open()
            command_id, frame = self._link.session.command(action, fields)
            try:
                with self._link.replies.expected(command_id) as reply:
                    await self._link.send(encode(frame))
                    return await reply
            finally:
                self._link.session.abandon(command_id)

    async def send(self, data: str | bytes) -> None:
        """Send one frame unchanged; see `Client.send`."""
        if self._standing.closed_with is not None:
            raise self._standing.closed_with
        await self._link.send(data)
