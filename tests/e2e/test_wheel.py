"""The wheel in an empty environment, away from the repository."""

import subprocess
import sys
import venv
from pathlib import Path

import pytest

from tests.e2e.service import ServiceProcess, clean_environment

ROOT = Path(__file__).parents[2]


def run(*command: str | Path) -> str:
    answer = subprocess.run(
        command,
        env=clean_environment() | {"PYTHONPATH": ""},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr
    return answer.stdout


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_wheel_serves_from_an_empty_environment(tmp_path: Path) -> None:
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", tmp_path, ".")
    (wheel,) = tmp_path.glob("*.whl")
    environment = tmp_path / "environment"
    venv.create(environment, with_pip=True)
    pip = (environment / "bin" / "python", "-m", "pip", "install", "--quiet")
    run(*pip, "--require-hashes", "--requirement", ROOT / "requirements.txt")
    run(*pip, "--no-deps", wheel)

    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    service = ServiceProcess(
        elsewhere / "home", command=(str(environment / "bin" / "ducklake"), "serve")
    )
    service.start()
    try:
        with service.client() as client:
            columns = [{"name": "id", "type": "INTEGER"}]
            client.post("/tables", json={"name": "t", "columns": columns}).raise_for_status()
            client.put("/tables/t", json=[{"id": 1}]).raise_for_status()
            answer = client.post("/query", json={"sql": "SELECT sum(id) AS total FROM t"})
            assert answer.json()["rows"] == [{"total": 1}]
            assert client.get("/docs").is_success
    finally:
        assert service.stop() == 0
