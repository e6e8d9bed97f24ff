import pytest

from adapters.ducklake.engine.remembered import Remembered


def test_an_answer_is_asked_for_once() -> None:
    asked: list[str] = []

    def ask(question: str) -> str:
        asked.append(question)
        return question.upper()

    memory: Remembered[str, str] = Remembered(2)
    for question in ("a", "a", "b", "a", "c", "a", "b"):
        assert memory.get(question, lambda q=question: ask(q)) == question.upper()  # type: ignore[misc]

    assert asked == ["a", "b", "c", "b"]


def test_a_failure_is_not_remembered() -> None:
    memory: Remembered[str, int] = Remembered(2)
    with pytest.raises(ZeroDivisionError):
        memory.get("a", lambda: 1 // 0)

    assert memory.get("a", lambda: 5) == 5
