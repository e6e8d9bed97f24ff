"""Datasets on MinIO, or any store that speaks S3, by the `minio` client."""
