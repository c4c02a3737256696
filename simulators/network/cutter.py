"""Cuts a stream into messages that say their own length, in bounded memory."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple


class Garbage(Exception):  # noqa: N818 -- what the stream holds, for who reads it to deal with
    """The stream is not of the protocol any more; `before` are the messages that were."""

    def __init__(self, before: Sequence[Any] = ()) -> None:
        super().__init__()
        self.before = before


class Message(NamedTuple):
    """The first bytes of a message, and its whole size."""

    head: bytes
    size: int


class Cutter:
    """`measure` gives the size of the message that the bytes begin, 0 if more are needed, or raises Garbage.

    At most `keep_bytes` of a message are kept, however long it is.
    """

    def __init__(self, measure: Callable[[bytes], int], keep_bytes: int) -> None:
        self._measure, self._keep = measure, keep_bytes
        self._head = b""
        self._skip = 0

    def feed(self, data: bytes) -> list[Message]:
        """The messages that are whole now, and those of which enough came. Raises: Garbage."""
        messages: list[Message] = []
        while data:
            if self._skip:
                jump = min(self._skip, len(data))
                self._skip -= jump
                data = data[jump:]
                continue
            self._head += data
            data = b""
            try:
                size = self._measure(self._head)
            except Garbage:
                raise Garbage(messages) from None
            wanted = min(size, self._keep)
            if not size or len(self._head) < wanted:
                continue
            messages.append(Message(self._head[:wanted], size))
            data = self._head[wanted:]
            self._head = b""
            self._skip = size - wanted
        return messages

    def forget(self) -> None:
        """Begin again with the next bytes."""
        self._head, self._skip = b"", 0
