"""Keeps the machine's own OpenLineage configuration out of tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def isolate_openlineage(monkeypatch: pytest.MonkeyPatch, directory: Path) -> None:
    """Leave nothing configured: no variables, no file in the current directory or at home."""
    for name in list(os.environ):
        if name.startswith("OPENLINEAGE_"):
            monkeypatch.delenv(name)
    for name in ("home", "work"):
        (directory / name).mkdir()
    monkeypatch.setenv("HOME", str(directory / "home"))
    monkeypatch.chdir(directory / "work")
