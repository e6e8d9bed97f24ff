"""A TCP proxy that treats its connections badly, to see what becomes of whoever uses them."""

from tests.toxics.kinds import (
    Answer,
    Bandwidth,
    Down,
    Latency,
    LimitData,
    Reset,
    Slicer,
    SlowClose,
    Timeout,
    Towards,
    Toxic,
)
from tests.toxics.proxy import TcpProxy

__all__ = [
    "Answer",
    "Bandwidth",
    "Down",
    "Latency",
    "LimitData",
    "Reset",
    "Slicer",
    "SlowClose",
    "TcpProxy",
    "Timeout",
    "Towards",
    "Toxic",
]
