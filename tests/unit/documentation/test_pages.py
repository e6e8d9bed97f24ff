"""The pages that are made from the code are current, and no link on any page is dead."""

import re
from pathlib import Path

import pytest

from scripts import generate_settings_reference, plot_queries, plot_small_appends

ROOT = Path(__file__).parents[3]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]


def test_the_settings_reference_is_current() -> None:
    assert generate_settings_reference.PAGE.read_text() == generate_settings_reference.page(), (
        "python -m scripts.generate_settings_reference writes it anew"
    )


def test_the_plot_of_small_appends_is_of_its_measurements() -> None:
    assert plot_small_appends.PLOT.read_text() == plot_small_appends.plot(), (
        "python -m scripts.plot_small_appends draws it anew"
    )


def test_the_plot_of_queries_is_of_their_measurements() -> None:
    assert plot_queries.PLOT.read_text() == plot_queries.plot(), (
        "python -m scripts.plot_queries draws it anew"
    )


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_to_other_pages_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\((?!https?://|#)([^)#]+)(?:#[^)]*)?\)", page.read_text())
    dead = [target for target in targets if not (page.parent / target).exists()]
    assert not dead


def test_every_page_is_in_the_index() -> None:
    index = ROOT / "docs" / "README.md"
    linked = {
        (index.parent / target).resolve()
        for target in re.findall(r"\]\(([^)#]+\.md)\)", index.read_text())
    }
    assert {page for page in PAGES if index.parent in page.parents and page != index} <= linked
