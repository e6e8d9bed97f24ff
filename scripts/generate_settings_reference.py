"""Write docs/reference/settings.md from the settings themselves.

`python -m scripts.generate_settings_reference` writes it; a test checks that it is current.
"""

# ruff: noqa: INP001 - a script

import re
from collections.abc import Iterator
from pathlib import Path

from pydantic.fields import FieldInfo

from entrypoints.settings import PREFIX, Settings

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "settings.md"

HEAD = (
    "# Settings\n\n"
    "Every setting is an environment variable. An empty one counts as not set. A wrong value, or "
    f"a variable that begins with `{PREFIX}` and is none of these, stops the start with one "
    "sentence that names it. Lineage is set up by the standard variables of OpenLineage; "
    "[Lineage](../explanation/lineage.md) lists them.\n\n"
    "| variable | default | meaning |\n"
    "|---|---|---|\n"
)


def page() -> str:
    """The whole page."""
    meanings = dict(_meanings(Settings.__doc__ or ""))
    rows = (
        f"| `{PREFIX}{name.upper()}` | {_default(name, field)} | {meanings[name]} |\n"
        for name, field in Settings.model_fields.items()
    )
    return HEAD + "".join(rows)


def _meanings(docstring: str) -> Iterator[tuple[str, str]]:
    """The attributes of a docstring and what it says of each (Google's style)."""
    attributes = docstring.partition("Attributes:\n")[2]
    for match in re.finditer(r"^ {8}(\w+): (.*(?:\n {12}.*)*)", attributes, re.MULTILINE):
        yield match[1], re.sub(r"\s+", " ", match[2])


def _default(name: str, field: FieldInfo) -> str:
    if name == "home":
        return "the user's data directory"
    value = field.default
    if value is None:
        return ""
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


if __name__ == "__main__":
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(page())
