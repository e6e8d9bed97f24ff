"""Facts of a run as an official OpenLineage event."""

from __future__ import annotations

from datetime import UTC, datetime

from openlineage.client import event_v2

from adapters.openlineage.facets import Facets
from adapters.openlineage.names import dataset_id, job_name
from domain.lineage import RunEvent


def official_event(event: RunEvent, job_namespace: str, facets: Facets) -> event_v2.RunEvent:
    """The event as OpenLineage's consumers read it."""
    lake = facets.lake
    return event_v2.RunEvent(
        eventType=event_v2.RunState(event.state.value),
        eventTime=timestamp(event.time),
        producer=facets.producer.uri,
        run=event_v2.Run(runId=event.run_id, facets=facets.run(event)),
        job=event_v2.Job(
            namespace=job_namespace,
            name=job_name(event.operation, event.subject, lake),
            facets=facets.job(event),
        ),
        inputs=[
            event_v2.InputDataset(
                *dataset_id(usage.subject, lake),
                inputFacets=facets.input(usage) or None,
                facets=facets.dataset(usage),
            )
            for usage in event.inputs
        ],
        outputs=[
            event_v2.OutputDataset(
                *dataset_id(usage.subject, lake),
                outputFacets=facets.output(usage) or None,
                facets=facets.dataset(usage),
            )
            for usage in event.outputs
        ],
    )


def timestamp(time: datetime) -> str:
    """RFC 3339, in UTC, with microseconds."""
    return time.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
