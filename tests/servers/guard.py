"""Run a server for as long as the process that asked for it lives.

Run by path, in a process of its own, with the standard library alone:
`guard.py STOP_SIGNAL GRACE USER COMMAND...` (USER is - for nobody else). It writes the server's
process id to its standard output, gives the server its standard error as a log, and ends the
server when its standard input reaches its end: whoever started it closed the pipe, or died, be it
by SIGKILL.
"""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from types import FrameType


def main(arguments: Sequence[str]) -> int:
    """Run the command; give its exit code (128 and the signal's number if a signal ended it)."""
    stop_signal, grace, user, *command = arguments
    log = sys.stderr.fileno()
    child = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        user=None if user == "-" else user,
        group=None if user == "-" else _group_of(user),
        extra_groups=None if user == "-" else [],
    )

    def stop(_signal: int | None = None, _frame: FrameType | None = None) -> None:
        child.send_signal(int(stop_signal))
        child.send_signal(signal.SIGCONT)  # a stopped process would not see the first

    def watch() -> None:
        sys.stdin.buffer.read()
        stop()
        try:
            child.wait(float(grace))
        except subprocess.TimeoutExpired:
            child.kill()

    signal.signal(signal.SIGTERM, stop)
    sys.stdout.write(f"{child.pid}\n")
    sys.stdout.flush()
    threading.Thread(target=watch, daemon=True).start()
    code = child.wait()
    return code if code >= 0 else 128 - code


def _group_of(user: str) -> int:
    import pwd  # noqa: PLC0415 - only where users are switched, hence not on every system

    return pwd.getpwnam(user).pw_gid


if __name__ == "__main__":
    # No interpreter shutdown: the watching thread is inside a read that nothing ends
    exit_code = main(sys.argv[1:])
    sys.stdout.flush()
    os._exit(exit_code)
