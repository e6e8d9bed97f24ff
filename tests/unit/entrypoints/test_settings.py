import pytest

from domain.errors import ConfigurationError
from entrypoints.settings import LogFormat, LogLevel, load_settings


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    import os  # noqa: PLC0415 - only to forget what the person who runs the tests has set

    for name in os.environ:
        if name.startswith("DUCKLAKE_") and not name.startswith("DUCKLAKE_TEST_"):
            monkeypatch.delenv(name)


def test_defaults() -> None:
    settings = load_settings()
    assert (settings.host, settings.port) == ("127.0.0.1", 8000)
    assert (settings.log_level, settings.log_format) == (LogLevel.INFO, LogFormat.TEXT)
    assert settings.home.name == "ducklake"
    assert settings.home.is_absolute()


def test_the_environment_and_what_goes_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUCKLAKE_PORT", "9000")
    monkeypatch.setenv("DUCKLAKE_LOG_LEVEL", "WARNING")
    monkeypatch.setenv("DUCKLAKE_LOG_FORMAT", "Json")
    monkeypatch.setenv("DUCKLAKE_HOME", "~/lake")
    monkeypatch.setenv("DUCKLAKE_THREADS", "")
    settings = load_settings(host="::1", port=None)
    assert (settings.host, settings.port) == ("::1", 9000)
    assert (settings.log_level, settings.log_format) == (LogLevel.WARNING, LogFormat.JSON)
    assert settings.home.is_absolute()
    assert settings.threads is None
    assert load_settings(port=1).port == 1


@pytest.mark.parametrize(
    "name, value",
    [
        ("DUCKLAKE_PORT", "http"),
        ("DUCKLAKE_PORT", "65536"),
        ("DUCKLAKE_PORT", "-1"),
        ("DUCKLAKE_LOG_LEVEL", "loud"),
        ("DUCKLAKE_LOG_FORMAT", "xml"),
        ("DUCKLAKE_STORAGE", "tape"),
        ("DUCKLAKE_MEMORY_LIMIT", "much"),
        ("DUCKLAKE_MEMORY_LIMIT", "80%"),
        ("DUCKLAKE_THREADS", "0"),
        ("DUCKLAKE_SPILL_LIMIT", "much"),
        ("DUCKLAKE_QUERY_QUEUE", "-1"),
        ("DUCKLAKE_QUERY_TIMEOUT_S", "0"),
        ("DUCKLAKE_QUERY_TIMEOUT_S", "3601"),
        ("DUCKLAKE_QUERY_MAX_TIMEOUT_S", "inf"),
        ("DUCKLAKE_CLIENT_TIMEOUT_S", "nan"),
        ("DUCKLAKE_SHUTDOWN_GRACE_S", "-1"),
        ("DUCKLAKE_HOME", "~nobody-of-this-name/x"),
    ],
)
def test_a_wrong_setting_is_one_sentence_that_names_it(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError) as caught:
        load_settings()
    sentence = caught.value.detail
    assert sentence.startswith(f"{name}: ")
    assert sentence.endswith(".")
    assert "\n" not in sentence


def test_an_unknown_setting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUCKLAKE_PROT", "9000")
    with pytest.raises(ConfigurationError, match=r"^DUCKLAKE_PROT: there is no setting"):
        load_settings()


def test_settings_of_the_tests_are_none_of_the_service() -> None:
    load_settings({"DUCKLAKE_TEST_MINIO_ENDPOINT": "x"})


@pytest.mark.parametrize("limit", ["4GB", "512MiB", "1.5 TB"])
def test_memory_limits(limit: str) -> None:
    assert load_settings(memory_limit=limit).memory_limit == limit
