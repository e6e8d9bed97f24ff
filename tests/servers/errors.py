"""What the helpers raise when there is no server to be had."""


class ServerUnavailable(RuntimeError):  # noqa: N818 - a state of the world, named like one
    """A server cannot be had; the message names the remedy."""


class ServerFailed(ServerUnavailable):
    """A server was started and ended, or was not ready in time; the message ends with its log."""
