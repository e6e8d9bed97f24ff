"""Where a running server is, as values."""

from dataclasses import dataclass, replace
from urllib.parse import parse_qs, quote, unquote, urlencode, urlsplit, urlunsplit

DEFAULT_REGION = "us-east-1"


@dataclass(frozen=True, slots=True)
class S3Endpoint:
    """An S3 server and the credentials that may do anything on it."""

    host: str
    port: int
    access_key: str
    secret_key: str
    secure: bool = False
    region: str = DEFAULT_REGION

    @property
    def address(self) -> str:
        """Host and port, as minio-py and DuckDB's ENDPOINT want them."""
        return f"{self.host}:{self.port}"

    @property
    def url(self) -> str:
        """The URL, as boto3's endpoint_url wants it."""
        return f"{'https' if self.secure else 'http'}://{self.address}"

    @classmethod
    def parse(
        cls, endpoint: str, access_key: str, secret_key: str, region: str = DEFAULT_REGION
    ) -> "S3Endpoint":
        """Read `host:port` or a URL. Raise ValueError if there is no host in it."""
        parts = urlsplit(endpoint if "://" in endpoint else f"http://{endpoint}")
        if not parts.hostname:
            raise ValueError(f"{endpoint!r} is not HOST:PORT or a URL")
        secure = parts.scheme == "https"
        port = parts.port or (443 if secure else 80)
        return cls(parts.hostname, port, access_key, secret_key, secure, region)

    def through(self, host: str, port: int) -> "S3Endpoint":
        """Give the same server as seen behind another address, such as a proxy's."""
        return replace(self, host=host, port=port)


@dataclass(frozen=True, slots=True)
class PostgresEndpoint:
    """A PostgreSQL server, one of its databases, and a user who may create more of them."""

    host: str
    port: int
    user: str
    password: str
    database: str = "postgres"
    #: What else stood in the URL, such as sslmode
    options: tuple[tuple[str, str], ...] = ()
    #: The directory of a unix socket that the same server listens on, if it does
    socket_directory: str | None = None

    @property
    def url(self) -> str:
        """The URL over TCP, or over the unix socket if the host is a directory."""
        if self.host.startswith("/"):
            return self._url("", {"host": self.host, "port": str(self.port)})
        return self._url(f"{self.host}:{self.port}", {})

    @property
    def socket_url(self) -> str:
        """The URL over the unix socket. Raise ValueError if the server has none."""
        if self.socket_directory is None:
            raise ValueError("this server has no unix socket that is known here")
        return self._url("", {"host": self.socket_directory, "port": str(self.port)})

    def _url(self, location: str, query: dict[str, str]) -> str:
        login = f"{quote(self.user, safe='')}:{quote(self.password, safe='')}"
        pairs = urlencode({**query, **dict(self.options)}, safe="/")
        path = f"/{quote(self.database, safe='')}"
        return urlunsplit(("postgresql", f"{login}@{location}", path, pairs, ""))

    @classmethod
    def parse(cls, url: str) -> "PostgresEndpoint":
        """Read a `postgresql://` URL, with a host or a socket's directory (`?host=/dir`).

        Raise ValueError if it is not one.
        """
        parts = urlsplit(url)
        if parts.scheme not in {"postgresql", "postgres"}:
            raise ValueError("a PostgreSQL URL begins with postgresql://")
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        host = parts.hostname or query.pop("host", "")
        if not host:
            raise ValueError("the PostgreSQL URL names no host")
        port = int(query.pop("port", parts.port or 5432))
        return cls(
            host,
            port,
            unquote(parts.username or "postgres"),
            unquote(parts.password or ""),
            unquote(parts.path.removeprefix("/")) or "postgres",
            tuple(query.items()),
            host if host.startswith("/") else None,
        )

    def with_database(self, database: str) -> "PostgresEndpoint":
        """Give another database of the same server."""
        return replace(self, database=database)

    def through(self, host: str, port: int) -> "PostgresEndpoint":
        """Give the same server as seen behind another address, such as a proxy's."""
        return replace(self, host=host, port=port, socket_directory=None)
