"""How a result is sent: its format, what goes around its rows, and how it is packed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.types import Scope

from domain.bodies import ContentCoding
from domain.datasets import ByteStream
from domain.formats import DataFormat
from domain.queries import ResultColumn
from entrypoints.rest.content_coding import PackedStream, choose_coding
from entrypoints.rest.dependencies import Service
from entrypoints.rest.envelope import JsonEnvelope
from entrypoints.rest.ndjson import WithErrorRecord
from entrypoints.rest.negotiation import CONTENT_TYPES


@dataclass(frozen=True, slots=True)
class ResultForm:
    """The form in which a client takes a result.

    Attributes:
        format: Its format.
        coding: How it is packed; None for not at all.
        scope: The request, which a record of failure names.
    """

    format: DataFormat
    coding: ContentCoding | None
    scope: Scope

    @classmethod
    def asked_for(cls, request: Request, service: Service, data_format: DataFormat) -> ResultForm:
        """The form that a request asks for.

        Raises:
            NotAcceptableError: When the client takes the result in no coding.
        """
        coding = None
        if service.compress_answers:
            coding = choose_coding(request.headers.get("accept-encoding"), data_format)
        return cls(data_format, coding, request.scope)

    @property
    def headers(self) -> dict[str, str]:
        """The headers that tell of it."""
        told = {
            "Content-Type": CONTENT_TYPES[self.format],
            "Vary": "Accept, Accept-Encoding",
        }
        return told if self.coding is None else told | {"Content-Encoding": self.coding.value}

    def stream(
        self,
        columns: Sequence[ResultColumn],
        rows: ByteStream,
        facts: Callable[[], Mapping[str, Any]],
    ) -> ByteStream:
        """What is sent.

        Args:
            columns: The columns of the result.
            rows: Its rows, encoded.
            facts: What else JSON tells; asked when the rows have ended.
        """
        if self.format is DataFormat.JSON:
            rows = JsonEnvelope(columns, rows, facts)
        elif self.format is DataFormat.NDJSON:
            rows = WithErrorRecord(rows, self.scope)
        return rows if self.coding is None else PackedStream(rows, self.coding)
