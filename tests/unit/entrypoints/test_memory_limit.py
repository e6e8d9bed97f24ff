import platform
from pathlib import Path

from entrypoints.memory_limit import available_memory, keep_blocks


def test_the_smaller_of_machine_and_container_counts(tmp_path: Path) -> None:
    machine = available_memory(())
    container, unlimited = tmp_path / "memory.max", tmp_path / "max"
    container.write_text("1048576\n")
    unlimited.write_text("max\n")

    assert available_memory((unlimited, tmp_path / "none")) == machine
    assert available_memory((unlimited, container)) == 1_048_576


def test_the_c_library_takes_its_options_where_it_has_them() -> None:
    assert keep_blocks() is (platform.libc_ver()[0] == "glibc")
