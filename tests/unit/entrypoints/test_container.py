from pathlib import Path

import pytest
from dependency_injector import providers

from application.runs import Tracked
from domain.errors import LakeLockedError
from domain.ports.datasets import DatasetPort
from domain.ports.lineage import LineagePort
from domain.ports.queries import QueryPort
from domain.ports.rows import RowReaderPort
from domain.ports.statements import StatementPort
from domain.ports.tables import TablePort
from entrypoints.container import (
    Container,
    build_container,
    close_container,
    import_libraries,
    open_stores,
)
from entrypoints.home import Home
from entrypoints.settings import load_settings

PORTS: dict[str, type] = {
    "tables": TablePort,
    "queries": QueryPort,
    "datasets": DatasetPort,
    "rows": RowReaderPort,
    "statements": StatementPort,
    "lineage": LineagePort,
}
NOT_BUILT = {"settings", "closing"}


@pytest.fixture
def container(tmp_path: Path) -> Container:
    return build_container(load_settings({}, home=tmp_path))


def test_every_provider_builds_what_it_says(container: Container) -> None:
    try:
        open_stores(container)
        import_libraries(container)
        built = {
            name: provider()
            for name, provider in container.providers.items()
            if name not in NOT_BUILT
        }
    finally:
        close_container(container)
    for name, port in PORTS.items():
        assert port in type(built[name]).__mro__
    use_cases = [value for value in built.values() if isinstance(value, Tracked)]
    assert len(use_cases) >= 15


def test_nothing_is_opened_before_it_is_asked_for(tmp_path: Path) -> None:
    home = tmp_path / "home"
    container = build_container(load_settings({}, home=home))
    assert not home.exists()
    close_container(container)
    assert not home.exists()


def test_closing_gives_the_home_back_and_all_can_be_built_anew(container: Container) -> None:
    for _ in range(2):
        open_stores(container)
        assert container.tables() is container.tables()
        assert container.check_readiness()().ready
        with pytest.raises(LakeLockedError):
            build_container(load_settings({}, home=container.settings.home())).home()
        close_container(container)


def test_what_failed_is_built_again(container: Container, tmp_path: Path) -> None:
    class NoHomeError(Exception):
        pass

    failing = [NoHomeError()]

    def build() -> Home:
        if failing:
            raise failing.pop()
        return Home(tmp_path)

    container.home.override(providers.ThreadSafeSingleton(build))
    with pytest.raises(NoHomeError):
        container.home()
    assert container.home().layout.root == tmp_path
    container.home().release()


@pytest.mark.parametrize("said, compact_after", [({}, 0), ({"compact_after": 50}, 50)])
def test_small_files_are_merged_when_it_is_said(
    tmp_path: Path, said: dict[str, object], compact_after: int
) -> None:
    container = build_container(load_settings({}, home=tmp_path, **said))
    try:
        assert container.lake_config().compact_after == compact_after
    finally:
        close_container(container)
