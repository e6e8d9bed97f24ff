"""Plan a query without running it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from domain.plans import QueryPlan
from domain.ports.queries import QueryPort
from domain.queries import Query, QueryTimeouts


@dataclass(frozen=True, slots=True)
class PlanQuery:
    """Say what a query would read and how. It reads no data, so it is no run of lineage."""

    queries: QueryPort
    timeouts: QueryTimeouts = field(default_factory=QueryTimeouts)

    def __call__(self, query: Query) -> QueryPlan:
        """Raises: what `QueryPort.plan` and `QueryTimeouts.of` raise."""
        return self.queries.plan(replace(query, timeout_s=self.timeouts.of(query)))
