"""What a program does to files, told by the kernel: a small strace, by ptrace(2).

`python -m tests.trace.tracer EVENTS PROGRAM [ARGUMENT ...]` runs a program with all its threads
and writes one JSON a line to EVENTS. It needs nothing but Python and a Linux of 5.3 or newer, so
it runs wherever the tests do; strace would have to be installed by an administrator.

It is a process of its own, since who traces must be the thread that has started the program.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import struct
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

# linux/ptrace.h
_TRACE_ME, _SYSCALL, _SET_OPTIONS, _SYSCALL_INFO = 0, 24, 0x4200, 0x420E
_OPTIONS = 0x1 | 0x2 | 0x4 | 0x8 | 0x10 | 0x100000
"""Tell system calls from traps; follow forks, vforks and clones; exec; die with the tracer."""
_ENTRY, _EXIT = 1, 2
_SYSCALL_STOP = signal.SIGTRAP | 0x80
_ALL_THREADS = 0x40000000
_INFO_BYTES = 88
_PAGE = 4096
_CWD = -100

# asm/unistd.h: each number, and what it does.
_CALLS: dict[str, dict[int, str]] = {
    "x86_64": {
        1: "write",
        18: "write",
        20: "write",
        296: "write",
        40: "write",
        77: "write",
        257: "openat",
        2: "open",
        74: "sync",
        75: "sync",
        82: "rename",
        264: "renameat",
        316: "renameat",
        83: "mkdir",
        258: "mkdirat",
        87: "unlink",
        263: "unlinkat",
    },
    "aarch64": {
        64: "write",
        68: "write",
        66: "write",
        70: "write",
        71: "write",
        46: "write",
        56: "openat",
        82: "sync",
        83: "sync",
        38: "renameat",
        276: "renameat",
        34: "mkdirat",
        35: "unlinkat",
    },
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a call that goes by a path has what it is about.

    Attributes:
        told: What the event is called.
        path: Which argument is the path.
        directory: Which one the directory that it starts from; None for the current one.
        flags: Which one the flags of an open, of which only those that create are told.
    """

    told: str
    path: int
    directory: int | None = None
    flags: int | None = None


_PATHS = {
    "open": Place("create", 0, flags=1),
    "openat": Place("create", 1, directory=0, flags=2),
    "mkdir": Place("mkdir", 0),
    "mkdirat": Place("mkdir", 1, directory=0),
    "rename": Place("rename", 1),
    "renameat": Place("rename", 3, directory=2),
    "unlink": Place("unlink", 0),
    "unlinkat": Place("unlink", 1, directory=0),
}


@dataclass(slots=True)
class Call:
    """A system call that has begun.

    Attributes:
        kind: What it does: `write`, `create`, `sync`, `rename`, `mkdir`, `unlink`.
        path: To which file or directory.
        descriptor: The file descriptor; None where it goes by a path.
    """

    kind: str
    path: str
    descriptor: int | None = None


@dataclass
class Tracer:
    """Traces one program to its end.

    Attributes:
        events: Where events go. A `write` is told as it begins, all else when it has been done;
            of a `sync` both are told: `sync` and `synced`.
    """

    events: TextIO
    _libc: ctypes.CDLL = field(default_factory=lambda: ctypes.CDLL(None, use_errno=True))
    _begun: dict[int, Call] = field(default_factory=dict)
    _known: set[int] = field(default_factory=set)

    def run(self, command: Sequence[str]) -> int:
        """Run the program; gives its exit code."""
        calls = _CALLS.get(os.uname().machine)
        if calls is None:
            raise SystemExit(f"The calls of {os.uname().machine} are not known here: add them.")
        self._calls = calls
        program = os.fork()
        if program == 0:
            self._ptrace(_TRACE_ME, 0)
            os.kill(os.getpid(), signal.SIGSTOP)
            os.execv(command[0], list(command))
        os.waitpid(program, 0)
        self._ptrace(_SET_OPTIONS, program, 0, _OPTIONS)
        self._known.add(program)
        self._ptrace(_SYSCALL, program)
        while True:
            thread, status = os.waitpid(-1, _ALL_THREADS)
            if os.WIFSTOPPED(status):
                self._go_on(thread, self._stopped(thread, status))
            elif thread == program:
                return os.waitstatus_to_exitcode(status)

    def _stopped(self, thread: int, status: int) -> int:
        """Look at why a thread has stopped; gives the signal that it is to get."""
        reason = os.WSTOPSIG(status)
        if reason == _SYSCALL_STOP:
            self._at_call(thread)
            return 0
        if reason == signal.SIGTRAP:
            return 0
        if reason == signal.SIGSTOP and thread not in self._known:
            # So begins each thread that is traced from its start.
            self._known.add(thread)
            return 0
        return reason

    def _go_on(self, thread: int, deliver: int) -> None:
        try:
            self._ptrace(_SYSCALL, thread, 0, deliver)
        except ProcessLookupError:
            # Killed meanwhile.
            return

    def _at_call(self, thread: int) -> None:
        info = ctypes.create_string_buffer(_INFO_BYTES)
        try:
            self._ptrace(_SYSCALL_INFO, thread, _INFO_BYTES, ctypes.addressof(info))
        except ProcessLookupError:
            return
        operation = info.raw[0]
        if operation == _ENTRY:
            number, *arguments = struct.unpack_from("=7Q", info.raw, 24)
            kind = self._calls.get(number)
            call = None if kind is None else self._call(thread, kind, arguments)
            if call is not None:
                self._begun[thread] = call
                if call.kind in {"write", "sync"}:
                    self._tell(call.kind, call)
        elif operation == _EXIT:
            call = self._begun.pop(thread, None)
            (result,) = struct.unpack_from("=q", info.raw, 24)
            if call is None or result < 0 or call.kind == "write":
                return
            self._tell("synced" if call.kind == "sync" else call.kind, call)

    def _call(self, thread: int, kind: str, arguments: list[int]) -> Call | None:
        if kind in {"write", "sync"}:
            descriptor = arguments[0] & 0xFFFFFFFF
            return Call(kind, _read_link(f"/proc/{thread}/fd/{descriptor}"), descriptor)
        place = _PATHS[kind]
        if place.flags is not None and not arguments[place.flags] & os.O_CREAT:
            return None
        directory = _CWD if place.directory is None else arguments[place.directory]
        return Call(place.told, self._path(thread, directory, arguments[place.path]))

    def _path(self, thread: int, directory: int, address: int) -> str:
        number = ctypes.c_int(directory & 0xFFFFFFFF).value
        start = "cwd" if number == _CWD else f"fd/{number}"
        base = _read_link(f"/proc/{thread}/{start}")
        return os.path.normpath(Path(base) / _text(thread, address))

    def _tell(self, what: str, call: Call) -> None:
        event = {"what": what, "path": call.path, "descriptor": call.descriptor}
        self.events.write(json.dumps(event) + "\n")

    def _ptrace(self, request: int, thread: int, address: int = 0, data: int = 0) -> None:
        call = self._libc.ptrace
        call.restype = ctypes.c_long
        call.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
        if call(request, thread, address, data) < 0:
            number = ctypes.get_errno()
            raise OSError(number, f"ptrace({request:#x}): {os.strerror(number)}")


def _read_link(path: str) -> str:
    try:
        return str(Path(path).readlink())
    except OSError:
        return ""


def _text(thread: int, address: int) -> str:
    """A text in the memory of a traced thread, up to its NUL."""
    found = b""
    with Path(f"/proc/{thread}/mem").open("rb", buffering=0) as memory:
        while b"\0" not in found:
            memory.seek(address + len(found))
            # The next page may not be there.
            found += memory.read(_PAGE - (address + len(found)) % _PAGE)
    return os.fsdecode(found.partition(b"\0")[0])


if __name__ == "__main__":
    with Path(sys.argv[1]).open("w", encoding="utf-8", errors="backslashreplace") as events:
        code = Tracer(events).run(sys.argv[2:])
    sys.exit(code)
