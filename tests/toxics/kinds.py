"""What the proxy can do to connections. Times are in seconds, sizes in bytes."""

from dataclasses import dataclass
from enum import Flag, auto


class Towards(Flag):
    """The direction in which bytes go."""

    SERVER = auto()
    CLIENT = auto()
    BOTH = SERVER | CLIENT


@dataclass(frozen=True, slots=True, kw_only=True)
class Toxic:
    """Something bad that is done to connections, to those that are open and to new ones."""

    towards: Towards = Towards.BOTH


@dataclass(frozen=True, slots=True)
class Down(Toxic):
    """Connections are closed, and new ones refused; the port stays the proxy's."""


@dataclass(frozen=True, slots=True)
class Latency(Toxic):
    """All bytes come that much later: a question with its answer, twice that much."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Bandwidth(Toxic):
    """No more bytes than this in a second, in each direction of each connection."""

    bytes_per_second: int


@dataclass(frozen=True, slots=True)
class SlowClose(Toxic):
    """One side's end reaches the other that much later."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Timeout(Toxic):
    """Connections are accepted, and nothing gets through; what was held goes on when cleared.

    With `seconds`, they are closed after that time.
    """

    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Reset(Toxic):
    """Both sides get a reset (RST) once so many bytes have passed, or so much time.

    Both count from when the toxic was set, or from when the connection began if that was later.
    With neither, at once.
    """

    after_bytes: int | None = None
    after_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Slicer(Toxic):
    """Bytes go in pieces of at most this size, each sent by itself, with a pause after each."""

    size: int
    pause: float = 0.0


@dataclass(frozen=True, slots=True)
class LimitData(Toxic):
    """The connection is closed in good order once so many bytes have passed, counted as in Reset.

    With `half`, only this direction is closed: the rest of it is swallowed.
    """

    size: int
    half: bool = False


@dataclass(frozen=True, slots=True)
class Answer(Toxic):
    """The client's next bytes are answered by the proxy, in the server's place, and swallowed."""

    payload: bytes

    @classmethod
    def http(cls, status: str, body: bytes = b"") -> "Answer":
        """Answer as an HTTP server would: `Answer.http("500 Internal Server Error")`."""
        head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        return cls(head.encode() + body)
