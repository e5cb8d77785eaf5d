"""A message encoded once for all the sockets it goes to."""

from __future__ import annotations

TEXT = 0x81  # FIN and opcode 1 (RFC 6455, section 5.2)


class Encoded:
    """One JSON text message, and its WebSocket frame made on first use."""

    __slots__ = ("_framed", "text")

    def __init__(self, text: bytes) -> None:
        self.text = text
        self._framed: bytes | None = None

    @property
    def framed(self) -> bytes:
        """The unmasked, unfragmented text frame that a server sends (RFC 6455, section 5.2)."""
        if self._framed is None:
            self._framed = header(len(self.text)) + self.text
        return self._framed


def header(length: int) -> bytes:
    """The header of a server's text frame with a payload of `length` bytes."""
    if length < 126:
        return bytes((TEXT, length))
    if length < 65536:
        return bytes((TEXT, 126)) + length.to_bytes(2, "big")
    return bytes((TEXT, 127)) + length.to_bytes(8, "big")
