"""The tutorial, the demo and a how-to, run as their reader would run them."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.service import clean_environment, running_service

ROOT = Path(__file__).parents[2]
TUTORIAL = ROOT / "docs" / "tutorial" / "first-lake.md"
QUERYING = ROOT / "docs" / "how-to" / "query-over-http.md"
"""Asks about the tutorial's table."""
BLOCK = re.compile(
    r"^```sh(?P<stopped> stopped)?\n(?P<commands>.*?)^```$", re.MULTILINE | re.DOTALL
)


def run(commands: str, home: Path, directory: Path) -> str:
    answer = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands],
        cwd=directory,
        env=clean_environment() | {"DUCKLAKE_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert answer.returncode == 0, f"{commands}\n{answer.stdout}\n{answer.stderr}"
    return answer.stdout


@pytest.mark.timeout(600)
def test_every_command_of_the_tutorial_works(tmp_path: Path) -> None:
    home, directory = tmp_path / "home", tmp_path / "reader"
    directory.mkdir()
    (directory / ".venv").symlink_to(os.environ.get("VIRTUAL_ENV", ROOT / ".venv"))
    blocks = list(BLOCK.finditer(TUTORIAL.read_text()))
    while_it_runs = "".join(block["commands"] for block in blocks if not block["stopped"])
    once_stopped = "".join(block["commands"] for block in blocks if block["stopped"])
    assert while_it_runs
    assert once_stopped
    with running_service(home) as service:
        # What the reader has done before: the environment of the tests is a ready one.
        commands = while_it_runs.replace("make setup-dev\n", "").replace(
            "http://127.0.0.1:8000", service.url
        )
        said = run(commands, home, directory)
        querying = "".join(
            block["commands"].replace("curl ", "curl --fail-with-body ")
            for block in BLOCK.finditer(QUERYING.read_text())
        )
        told = run(querying.replace("http://127.0.0.1:8000", service.url), home, directory)
    assert '"n":336776' in told.replace(" ", "")
    assert "estimated_bytes" in told
    assert "HTTP/1.1 304" in told
    assert '"rows_appended":336776' in said.replace(" ", "")
    assert '"code":"rows_do_not_fit"' in said.replace(" ", "")
    assert "EWR,4963\n" in said
    assert '"eventType"' in said
    said = run(once_stopped, home, directory)
    assert "336776" in said
    assert "flights.parquet" in said


@pytest.mark.timeout(600)
def test_the_demo_loads_all_flights_and_answers_its_questions(tmp_path: Path) -> None:
    demo = subprocess.run(
        [sys.executable, ROOT / "examples" / "nycflights13.py"],
        env=clean_environment() | {"DUCKLAKE_HOME": str(tmp_path), "COLUMNS": "100"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert demo.returncode == 0, demo.stderr
    assert re.search(r"nycflights13\.flights +336,776 rows", demo.stdout)
    for answer in ("Frontier Airlines Inc.", "heavy rain", "BOEING", "Chicago Ohare Intl"):
        assert answer in demo.stdout
