"""Uploads that failed: the store is made to forget their parts, at once or later."""

from __future__ import annotations

import logging
import threading
from collections import deque
from dataclasses import dataclass

from adapters.minio.multipart import MultipartUpload
from domain.errors import LakehouseError

_FIRST_PAUSE_S = 0.25
_LONGEST_PAUSE_S = 60.0
_TRIES = 1440
"""About a day of trying: then the store's own rule for old uploads has to do it."""

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Job:
    upload: MultipartUpload
    tries: int = 0


class AbandonedUploads:
    """Aborts uploads; one that cannot be aborted now is tried again by a thread of its own.

    The thread lives while there is something to do. What is left when the process ends, the
    store has to forget by itself: MinIO does after 24 hours, others by a lifecycle rule
    (`AbortIncompleteMultipartUpload`).
    """

    def __init__(self) -> None:
        self._jobs: deque[_Job] = deque()
        self._lock = threading.Lock()
        self._running = False
        self._closed = threading.Event()

    def abort(self, upload: MultipartUpload) -> None:
        """Abort now, and if that fails, later. Takes as long as the parts on their way do."""
        try:
            upload.stop()
            upload.abort()
        except LakehouseError:
            self.abort_later(upload)

    def abort_later(self, upload: MultipartUpload) -> None:
        """Abort in the background, where waiting for a store that is ill holds nobody up."""
        with self._lock:
            self._jobs.append(_Job(upload))
            if not self._running:
                self._running = True
                threading.Thread(target=self._work, name="abandoned-uploads", daemon=True).start()

    def close(self) -> None:
        """Give up what could not be aborted."""
        self._closed.set()

    def _work(self) -> None:
        pause = _FIRST_PAUSE_S
        while (job := self._next()) is not None:
            if self._tried(job):
                pause = _FIRST_PAUSE_S
                continue
            if self._closed.wait(pause):
                return
            pause = min(2 * pause, _LONGEST_PAUSE_S)

    def _next(self) -> _Job | None:
        with self._lock:
            if not self._jobs:
                self._running = False
                return None
            return self._jobs.popleft()

    def _tried(self, job: _Job) -> bool:
        try:
            job.upload.stop()
            job.upload.abort()
        except LakehouseError as error:
            job.tries += 1
            if job.tries >= _TRIES:
                _log.warning("Parts of a failed upload stay in the object store: %s", error.detail)
                return True
            with self._lock:
                self._jobs.append(job)
            return False
        return True
