"""Where the store is, and how much of it and of memory one operation may take."""

from __future__ import annotations

from dataclasses import dataclass, field

from domain.errors import ConfigurationError

MEBIBYTE = 1024**2
MIN_PART_SIZE = 5 * MEBIBYTE
MAX_SINGLE_PUT = 5 * 1024 * MEBIBYTE
"""S3's largest single PUT, and largest part ("Amazon S3 multipart upload limits")."""

DEFAULT_REGION = "us-east-1"

NOT_AN_ENDPOINT = (
    "The object store's endpoint is `host:port` (DUCKLAKE_MINIO_ENDPOINT), and its region a name "
    "such as us-east-1 (DUCKLAKE_MINIO_REGION)."
)


@dataclass(frozen=True, slots=True)
class MinioEndpoint:
    """An S3 server and the credentials for it; these are not shown.

    Attributes:
        address: `host:port`.
        access_key: The access key.
        secret_key: Its secret.
        secure: Whether it speaks TLS.
        region: The region that requests are signed for.

    Raises:
        ConfigurationError: When the address or the region is empty.
    """

    address: str
    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)
    secure: bool = True
    region: str = DEFAULT_REGION

    def __post_init__(self) -> None:
        # Without a region, the client would ask the store for it, on every bucket.
        if not self.address or not self.region:
            raise ConfigurationError(NOT_AN_ENDPOINT)


@dataclass(frozen=True, slots=True)
class MinioLimits:
    """Bounds of one operation.

    Attributes:
        connect_timeout_s: How long a connection may take to come about.
        read_timeout_s: How long the store may be silent, or take nothing, in the middle of an
            operation.
        check_timeout_s: How long a health check may take in all.
        part_size: Bytes in a part of an upload whose length is not known. Such an upload has
            at most 10,000 parts: at 8 MiB, 78 GiB.
        buffer_size: Bytes that such an upload may hold in memory; what goes beyond the part
            being filled are parts on their way, at the same time.
        max_single_put: Bytes of known number that go in one request; more go in parts of this
            size, which are not held in memory.
        connections: Connections kept for the next operation.

    Raises:
        ConfigurationError: When a part is smaller or larger than S3 takes.
    """

    connect_timeout_s: float = 5.0
    read_timeout_s: float = 30.0
    check_timeout_s: float = 2.0
    part_size: int = 8 * MEBIBYTE
    buffer_size: int = 40 * MEBIBYTE
    max_single_put: int = MAX_SINGLE_PUT
    connections: int = 32

    def __post_init__(self) -> None:
        for size in (self.part_size, self.max_single_put):
            if not MIN_PART_SIZE <= size <= MAX_SINGLE_PUT:
                raise ConfigurationError("A part of an upload is 5 MiB to 5 GiB.")

    @property
    def parts_on_their_way(self) -> int:
        """How many parts of one upload are sent at the same time."""
        return max(1, self.buffer_size // self.part_size - 1)
