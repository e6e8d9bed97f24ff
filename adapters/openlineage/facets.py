"""OpenLineage's facets of what a run reads, writes and is.

https://openlineage.io/docs/spec/facets. A facet stands only where there is something to say.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache

from openlineage.client.facet_v2 import (
    DatasetFacet,
    InputDatasetFacet,
    JobFacet,
    OutputDatasetFacet,
    RunFacet,
    catalog_dataset,
    dataset_type_dataset,
    dataset_version_dataset,
    datasource_dataset,
    error_message_run,
    input_statistics_input_dataset,
    job_type_job,
    lifecycle_state_change_dataset,
    output_statistics_output_dataset,
    processing_engine_run,
    schema_dataset,
    sql_job,
    storage_dataset,
    symlinks_dataset,
)

from adapters.openlineage.identity import Lake, Producer
from adapters.openlineage.names import dataset_id, table_location, warehouse_uri
from adapters.openlineage.redaction import redact
from adapters.openlineage.schema_fields import schema_fields
from domain.datasets import ObjectRef
from domain.lineage import Operation, RunEvent, Subject, Usage
from domain.tables import TableName


@dataclass(frozen=True, slots=True)
class Facets:
    """Makes facets for one lake and one producer."""

    lake: Lake
    producer: Producer

    def dataset(self, usage: Usage) -> dict[str, DatasetFacet]:
        """What is known of a dataset, however the run uses it."""
        by = self.producer.uri
        facets = dict(_of_subject(usage.subject, self.lake, by))
        if usage.columns is not None:
            facets["schema"] = schema_dataset.SchemaDatasetFacet(
                fields=schema_fields(usage.columns), producer=by
            )
        if usage.version is not None:
            facets["version"] = dataset_version_dataset.DatasetVersionDatasetFacet(
                datasetVersion=usage.version, producer=by
            )
        if usage.lifecycle is not None:
            change = lifecycle_state_change_dataset.LifecycleStateChange(usage.lifecycle.value)
            facets["lifecycleStateChange"] = (
                lifecycle_state_change_dataset.LifecycleStateChangeDatasetFacet(
                    lifecycleStateChange=change, producer=by
                )
            )
        return facets

    def input(self, usage: Usage) -> dict[str, InputDatasetFacet]:
        """How much the run reads of a dataset."""
        if usage.row_count is None and usage.size_bytes is None:
            return {}
        return {
            "inputStatistics": input_statistics_input_dataset.InputStatisticsInputDatasetFacet(
                rowCount=usage.row_count, size=usage.size_bytes, producer=self.producer.uri
            )
        }

    def output(self, usage: Usage) -> dict[str, OutputDatasetFacet]:
        """How much the run writes to a dataset."""
        if usage.row_count is None and usage.size_bytes is None:
            return {}
        return {
            "outputStatistics": output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(
                rowCount=usage.row_count, size=usage.size_bytes, producer=self.producer.uri
            )
        }

    def job(self, event: RunEvent) -> dict[str, JobFacet]:
        """What kind of job it is, and its SQL without secrets."""
        by = self.producer.uri
        facets: dict[str, JobFacet] = {
            "jobType": _job_type(event.operation, by),
        }
        if event.sql is not None:
            facets["sql"] = sql_job.SQLJobFacet(
                query=redact(event.sql), dialect="duckdb", producer=by
            )
        return facets

    def run(self, event: RunEvent) -> dict[str, RunFacet]:
        """What runs it, and why it failed, without secrets."""
        by = self.producer.uri
        facets: dict[str, RunFacet] = {
            "processing_engine": _engine(self.producer),
        }
        if event.error is not None:
            facets["errorMessage"] = error_message_run.ErrorMessageRunFacet(
                message=redact(event.error), programmingLanguage="PYTHON", producer=by
            )
        return facets


# The same facets stand in each event about a thing: making them takes longer than all the rest.
@lru_cache(maxsize=1_000)
def _of_subject(subject: Subject, lake: Lake, by: str) -> Mapping[str, DatasetFacet]:
    """What is known of a dataset by its name alone."""
    namespace = dataset_id(subject, lake).namespace
    facets: dict[str, DatasetFacet] = {
        "dataSource": datasource_dataset.DatasourceDatasetFacet(
            name=namespace, uri=namespace, producer=by
        )
    }
    if isinstance(subject, TableName):
        facets |= _of_table(subject, lake, by)
    elif isinstance(subject, ObjectRef):
        facets["datasetType"] = dataset_type_dataset.DatasetTypeDatasetFacet(
            datasetType="FILE", producer=by
        )
    return facets


def _of_table(table: TableName, lake: Lake, by: str) -> Mapping[str, DatasetFacet]:
    facets: dict[str, DatasetFacet] = {
        "datasetType": dataset_type_dataset.DatasetTypeDatasetFacet(
            datasetType="TABLE", producer=by
        ),
        "storage": storage_dataset.StorageDatasetFacet(
            storageLayer="ducklake", fileFormat="parquet", producer=by
        ),
        "catalog": catalog_dataset.CatalogDatasetFacet(
            framework="ducklake",
            type="ducklake",
            name=lake.catalog,
            warehouseUri=warehouse_uri(lake),
            source="duckdb",
            catalogProperties=None,
            producer=by,
        ),
    }
    location = table_location(table, lake)
    if location is not None:
        identifier = symlinks_dataset.Identifier(
            namespace=location.namespace, name=location.name, type="LOCATION"
        )
        facets["symlinks"] = symlinks_dataset.SymlinksDatasetFacet(
            identifiers=[identifier], producer=by
        )
    return facets


@cache
def _engine(producer: Producer) -> RunFacet:
    return processing_engine_run.ProcessingEngineRunFacet(
        version=producer.engine_version,
        name="DuckDB",
        openlineageAdapterVersion=producer.version,
        producer=producer.uri,
    )


@cache
def _job_type(operation: Operation, by: str) -> JobFacet:
    return job_type_job.JobTypeJobFacet(
        processingType="BATCH",
        integration="DUCKLAKE",
        jobType="QUERY" if operation is Operation.QUERY else "COMMAND",
        producer=by,
    )
