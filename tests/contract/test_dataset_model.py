"""Random actions on a store and on a dictionary: they must agree."""

from __future__ import annotations

from contextlib import ExitStack

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)

from domain.datasets import ListRequest, ObjectMetadata, WriteCondition
from domain.errors import (
    BucketNotEmptyError,
    ObjectNameConflictError,
    ObjectNotFoundError,
    PreconditionFailedError,
)
from domain.ports.datasets import DatasetPort
from tests.contract.dataset_cases import compatible, conflict, fresh_bucket, put, read, ref
from tests.contract.test_dataset_listing import check_against_model

POOL = ["a", "a/b", "a/b/c", "a/b/d", "a-b", "a0", "b/c", "b/c/d", "b", "\u00e9/x", "\u00e9"]


class DatasetMachine(RuleBasedStateMachine):
    """One bucket and a dictionary of what should be in it."""

    def __init__(self, datasets: DatasetPort) -> None:
        super().__init__()
        self.datasets = datasets
        capabilities = datasets.capabilities
        self.pool = POOL
        if capabilities.name_beside_prefix and not capabilities.lists_name_beside_prefix:
            self.pool = compatible(POOL, capabilities)
        self.held = ExitStack()
        self.bucket = self.held.enter_context(fresh_bucket(datasets))
        self.model: dict[str, tuple[bytes, ObjectMetadata]] = {}

    def teardown(self) -> None:
        self.held.close()

    def name(self, number: int) -> str:
        return self.pool[number % len(self.pool)]

    numbers = st.integers(0, len(POOL) - 1)

    @rule(
        number=numbers,
        content=st.binary(max_size=20),
        value=st.sampled_from(["x", "y z"]),
        only_new=st.booleans(),
    )
    def put(self, number: int, content: bytes, value: str, only_new: bool) -> None:
        name, metadata = self.name(number), ObjectMetadata({"k": value})
        condition = WriteCondition(if_none_match=only_new)
        if only_new and name in self.model:
            with pytest.raises(PreconditionFailedError):
                put(self.datasets, self.bucket, name, content, condition=condition)
        elif not self.datasets.capabilities.name_beside_prefix and any(
            conflict(name, other) for other in self.model
        ):
            with pytest.raises(ObjectNameConflictError):
                put(self.datasets, self.bucket, name, content, condition=condition)
        else:
            outcome = put(
                self.datasets, self.bucket, name, content, metadata=metadata, condition=condition
            )
            assert outcome.created == (name not in self.model)
            self.model[name] = (content, metadata)

    @rule(number=numbers)
    def delete(self, number: int) -> None:
        self.datasets.delete_object(ref(self.bucket, self.name(number)))
        self.model.pop(self.name(number), None)

    @rule(number=numbers)
    def read(self, number: int) -> None:
        name = self.name(number)
        if name in self.model:
            content, metadata = self.model[name]
            assert read(self.datasets, self.bucket, name) == content
            assert self.datasets.stat_object(ref(self.bucket, name)).metadata == metadata
        else:
            with pytest.raises(ObjectNotFoundError):
                self.datasets.stat_object(ref(self.bucket, name))

    @rule(
        prefix=st.sampled_from(["", "a", "a/", "a/b", "b/c/"]),
        delimiter=st.sampled_from([None, "/", "b"]),
        page_size=st.integers(1, 4),
    )
    def list(self, prefix: str, delimiter: str | None, page_size: int) -> None:
        request = ListRequest(prefix, delimiter, page_size)
        check_against_model(self.datasets, self.bucket, self.model, request)

    @rule()
    def delete_bucket(self) -> None:
        if self.model:
            with pytest.raises(BucketNotEmptyError):
                self.datasets.delete_bucket(self.bucket)
        else:
            self.datasets.delete_bucket(self.bucket)
            self.datasets.create_bucket(self.bucket)

    @invariant()
    def all_is_listed(self) -> None:
        check_against_model(self.datasets, self.bucket, self.model, ListRequest())


def test_agrees_with_a_dictionary(datasets: DatasetPort) -> None:
    class Machine(DatasetMachine):
        def __init__(self) -> None:
            super().__init__(datasets)

    run_state_machine_as_test(
        Machine, settings=settings(deadline=None, max_examples=25, stateful_step_count=30)
    )
