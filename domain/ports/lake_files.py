"""The port to the files that the lake's tables consist of."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from typing import Protocol

from domain.maintenance import LakeFile


class LakeFilePort(Protocol):
    """What lies below the lake's data path, whoever put it there.

    Any call raises `UnavailableError`, `UpstreamTimeoutError` or `BadUpstreamError` when the
    storage does not serve.
    """

    @abstractmethod
    def list_files(self) -> Iterator[LakeFile]:
        """All files, in no order and in bounded memory."""

    @abstractmethod
    def size_of(self, name: str) -> int | None:
        """A file's size in bytes; None when it is not there."""

    @abstractmethod
    def read_end(self, name: str, count: int) -> bytes:
        """A file's last bytes: `count` of them, or all when it has fewer; none when it is gone."""

    @abstractmethod
    def delete(self, name: str) -> bool:
        """Delete a file for good.

        Returns:
            Whether it did; not when the file is gone, or lies elsewhere behind a link.
        """
