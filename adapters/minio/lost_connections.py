"""Reading again what a lost connection has cut off."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from urllib3 import BaseHTTPResponse, Retry
from urllib3.connectionpool import ConnectionPool
from urllib3.exceptions import ProtocolError

_READS = frozenset({"GET", "HEAD"})


class ReadAgain(Retry):
    """Sends a read once more when its connection was lost before the answer.

    A store may close a kept connection at the very moment at which a request goes out on it, so
    that such a read failed for no reason of its own (RFC 9110, section 9.2.2 lets a client send
    it again). Whatever else fails is raised as it is: timeouts, since the time is used up, and
    writes, which may have been done.
    """

    def increment(
        self,
        method: str | None = None,
        url: str | None = None,
        response: BaseHTTPResponse | None = None,
        error: Exception | None = None,
        _pool: ConnectionPool | None = None,
        _stacktrace: TracebackType | None = None,
    ) -> Self:
        """The tries that are left; raises the error when there is none."""
        if error is not None:
            lost = isinstance(error, ProtocolError) and method in _READS
            if not lost or not self.total:
                raise error.with_traceback(_stacktrace)
        return super().increment(method, url, response, error, _pool, _stacktrace)
