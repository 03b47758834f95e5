"""Frames between the router and a model container, over a Unix socket.

A connection is one worker of the container: it answers its requests in the order they came, so frames need no ids and
the router may send the next one before the last is answered.
"""

import struct
from typing import NamedTuple

_HEADER = struct.Struct("!HHHI")

# What a request asks for (its code); an answer's code is an HTTP status.
INVOKE = 1
PING = 2
FAULTS = 3


class Frame(NamedTuple):
    """`content_type` describes the body; `accept` is empty in answers."""

    code: int
    content_type: bytes
    accept: bytes
    body: bytes


def encode(code: int, content_type: bytes = b"", accept: bytes = b"", body: bytes = b"") -> bytes:
    return _HEADER.pack(code, len(content_type), len(accept), len(body)) + content_type + accept + body


class Decoder:
    """Cuts a stream of bytes into frames."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that `data` completes."""
        if self._rest:
            data = self._rest + data
        frames, start = [], 0
        while len(data) - start >= _HEADER.size:
            code, type_size, accept_size, body_size = _HEADER.unpack_from(data, start)
            type_at = start + _HEADER.size
            accept_at = type_at + type_size
            body_at = accept_at + accept_size
            end = body_at + body_size
            if len(data) < end:
                break
            frames.append(Frame(code, data[type_at:accept_at], data[accept_at:body_at], data[body_at:end]))
            start = end
        self._rest = data[start:]
        return frames
