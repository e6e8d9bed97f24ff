"""The reference of the command."""

from __future__ import annotations

import importlib


def test_the_page_is_as_the_help_is_now() -> None:
    generator = importlib.import_module("scripts.generate_cli_reference")
    written = generator.PAGE.read_text(encoding="utf-8")
    assert written == generator.page(), "run: python -m scripts.generate_cli_reference"
