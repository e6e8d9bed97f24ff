"""Statements that must not pass, and attack by way of the datasets' objects.

There is a bucket `gate` with the objects `o.csv`, `o.parquet`, `o.json`, `deep.json` (nested
50,000 deep), `deep.parquet` (columns nested 40,000 deep), `page.parquet` (HTML), `short.csv.gz`
(cut off), `bomb.csv.gz`, `wide.csv` and `nothing.csv` (empty). `data` is where the lake's own
files lie, and the datasets' own directories begin with a dot.
"""

from __future__ import annotations

from collections.abc import Mapping

DISGUISED = (
    "FROM 's3://gate/../data/main/t/x.parquet'",
    "FROM 's3://gate/./o.csv'",
    "FROM 's3://gate/..'",
    "FROM 's3://../gate/o.csv'",
    "FROM 's3://gate'",
    "FROM 's3://gate/'",
    "FROM 's3:///gate/o.csv'",
    "FROM 's3:/gate/o.csv'",
    "FROM 'S3://gate/o.csv'",
    "FROM 's3a://gate/o.csv'",
    "FROM 's3n://gate/o.csv'",
    "FROM 'gcs://gate/o.csv'",
    "FROM 'gs://gate/o.csv'",
    "FROM 'r2://gate/o.csv'",
    "FROM 'azure://gate/o.csv'",
    "FROM 'https://gate.s3.amazonaws.com/o.csv'",
    "FROM 's3://GATE/o.csv'",
    "FROM 's3://g*te/o.csv'",
    "FROM 's3://*/o.csv'",
    "FROM 's3://g%61te/o.csv'",
    "FROM 's3://user:secret@gate/o.csv'",
    "FROM 's3://gate:9000/o.csv'",
    "FROM 's3://.located/x/0/object.csv'",
    "FROM 's3://.metadata/gate/o.csv'",
    "FROM 's3://127.0.0.1/o.csv'",
    "FROM 's3://gate/o.csv?s3_endpoint=127.0.0.1:1'",
    "FROM 's3://gate/o.csv?S3_ENDPOINT=127.0.0.1:1'",
    "FROM 's3://gate/o.csv?x=1&s3_use_ssl=false'",
    "FROM 's3://gate/o'",
    "FROM 's3://gate/o.xlsx'",
    "FROM 's3://gate/o.parquet.gz'",
    "FROM 's3://gate/o.csv\n'",
    'FROM main."s3://gate/o.csv"',
    'WITH "s3://gate/o.csv" AS (SELECT 1) FROM "s3://gate/o.csv"',
)

READERS = (
    "FROM read_csv('o.csv')",
    "FROM read_csv(['s3://gate/o.csv', '/etc/passwd'])",
    "FROM read_csv(['s3://gate/o.csv', NULL])",
    "FROM read_csv([])",
    "FROM read_csv()",
    "FROM read_csv(NULL)",
    "FROM read_csv(?)",
    "FROM read_csv('s3://gate/' || 'o.csv')",
    "FROM read_csv(concat('/etc', '/passwd'))",
    "FROM read_csv((SELECT 's3://gate/o.csv'))",
    "FROM read_csv(getvariable('x'))",
    "FROM read_csv('s3://gate/o.csv', '/etc/passwd')",
    "FROM read_csv('s3://gate/o.csv', filename = true)",
    "FROM read_csv('s3://gate/o.csv', filename = 'f')",
    "FROM read_csv('s3://gate/o.csv', store_rejects = true)",
    "FROM read_csv('s3://gate/o.csv', rejects_table = 't')",
    "FROM read_csv('s3://gate/o.csv', buffer_size = 99999999999)",
    "FROM read_csv('s3://gate/o.csv', max_line_size = 99999999999)",
    "FROM read_csv('s3://gate/o.csv', files_to_sniff = 1)",
    "FROM read_csv('s3://gate/o.csv', parallel = false)",
    "FROM read_csv('s3://gate/o.csv', header = (SELECT true))",
    "FROM read_csv('s3://gate/o.csv', columns = {'k': 'INT[100000000]'})",
    "FROM read_csv('s3://gate/o.csv', columns = {'k': getenv('HOME')})",
    "FROM read_csv('s3://gate/o.csv', compression = 'lz4')",
    "FROM read_csv('s3://gate/o.csv') WITH ORDINALITY",
    "FROM read_csv(['s3://gate/o.csv', 's3://gate/short.csv.gz'])",
    "FROM main.read_csv('s3://gate/o.csv')",
    "FROM system.main.read_csv('s3://gate/o.csv')",
    "FROM lake.main.read_csv('s3://gate/o.csv')",
    "FROM read_parquet('s3://gate/o.parquet', encryption_config = {footer_key: 'k'})",
    "FROM read_parquet('s3://gate/o.parquet', file_row_number = true)",
    "FROM read_parquet('s3://gate/o.parquet', schema = MAP {0: {name: 'a', type: 'INT'}})",
    "FROM read_json('s3://gate/o.json', maximum_depth = 100000)",
    "FROM read_json('s3://gate/o.json', maximum_object_size = 99999999999)",
    "FROM read_json('s3://gate/o.json', ignore_errors = true)",
    "FROM read_text('s3://gate/o.csv')",
    "FROM read_blob('s3://gate/o.csv')",
    "FROM glob('s3://gate/*')",
    "FROM sniff_csv('s3://gate/o.csv')",
    "FROM parquet_metadata('s3://gate/o.parquet')",
    "FROM parquet_schema('s3://gate/o.parquet')",
    "FROM parquet_kv_metadata('s3://gate/o.parquet')",
    "FROM read_duckdb('s3://gate/o.csv')",
    "FROM sqlite_scan('s3://gate/o.csv', 't')",
    "FROM ducklake_add_data_files('lake', 't', 's3://gate/o.parquet')",
    "COPY t TO 's3://gate/x.csv'",
    "COPY (FROM 's3://gate/o.csv') TO 's3://gate/x.csv'",
    "ATTACH 's3://gate/o.csv'",
    "EXPLAIN ANALYZE FROM 's3://gate/o.csv'",
    "SELECT filename FROM 's3://gate/o.csv'",
    "CREATE TABLE x AS FROM 's3://gate/o.csv'",
    "INSERT INTO t SELECT * FROM 's3://gate/o.csv'",
)

NOT_THERE = (
    "FROM 's3://gate/nope.csv'",
    "FROM 's3://gate/O.csv'",
    "FROM 's3://gate/*/*.csv'",
    "FROM 's3://gate/%2e%2e/data/main/t/x.parquet'",
    "FROM 's3://gate/%6F.csv'",
    "FROM 's3://gate/.located/x.csv'",
    "FROM read_parquet('s3://gate/**/main/**')",
    "FROM read_csv('s3://gate/o.csv?versionId=1')",
)

NO_BUCKET = (
    "FROM 's3://data/main/t/x.parquet'",
    "FROM 's3://data/**/*.parquet'",
    "FROM read_parquet('s3://lake/**')",
    "FROM read_csv('s3://datasets/gate/o.csv')",
    "FROM read_csv(['s3://gate/o.csv', 's3://data/x'])",
    "SELECT (SELECT count(*) FROM 's3://data/**/*.parquet') FROM t",
)

CANNOT_BE_READ = (
    "FROM 's3://gate/page.parquet'",
    "FROM read_parquet('s3://gate/o.csv')",
    "FROM 's3://gate/short.csv.gz'",
    "FROM read_csv('s3://gate/o.csv', compression = 'gzip')",
    "FROM read_json('s3://gate/o.csv')",
    "FROM 's3://gate/nothing.csv'",
)

TOO_MUCH = (
    "FROM 's3://gate/deep.json'",
    "FROM read_json_objects('s3://gate/deep.json')",
    "FROM read_ndjson('s3://gate/deep.json', columns = {'a': 'JSON'})",
    "SELECT 1 FROM t WHERE EXISTS (FROM read_json_auto('s3://gate/deep.json'))",
    "FROM 's3://gate/deep.parquet'",
    "FROM parquet_scan(['s3://gate/o.parquet', 's3://gate/deep.parquet'])",
    "FROM 's3://gate/bomb.csv.gz'",
    "FROM 's3://gate/wide.csv'",
)

OBJECT_GROUPS: Mapping[str, tuple[tuple[str, ...], str]] = {
    "objects in disguise": (DISGUISED, "statement_not_allowed"),
    "readers of objects": (READERS, "statement_not_allowed"),
    "objects that are not there": (NOT_THERE, "object_not_found"),
    "buckets that are none": (NO_BUCKET, "bucket_not_found"),
    "objects that cannot be read": (CANNOT_BE_READ, "malformed_object"),
    "objects that are too much": (TOO_MUCH, "too_large"),
}
