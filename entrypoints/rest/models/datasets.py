"""Buckets and objects in JSON."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, Self

from pydantic import ConfigDict, Field

from domain.datasets import Bucket, BucketName, ObjectInfo, ObjectName, ObjectPage, ObjectRef
from domain.presigned import MAX_EXPIRY_S, PresignedMethod, PresignedUrl, PresignRequest
from entrypoints.rest.locations import Part, located
from entrypoints.rest.models.base import AnswerModel, RequestModel


class BucketAnswer(AnswerModel):
    """A bucket."""

    name: str = Field(examples=["raw-data"])
    created_at: datetime

    @classmethod
    def of(cls, bucket: Bucket) -> Self:
        """The answer that tells of a bucket."""
        return cls(name=bucket.name, created_at=bucket.created_at)


class BucketsAnswer(AnswerModel):
    """All buckets."""

    buckets: list[BucketAnswer]

    @classmethod
    def of(cls, buckets: Sequence[Bucket]) -> Self:
        """The answer that tells of buckets."""
        return cls(buckets=[BucketAnswer.of(bucket) for bucket in buckets])


class ObjectAnswer(AnswerModel):
    """An object."""

    bucket: str = Field(examples=["raw-data"])
    name: str = Field(examples=["2013/flights.parquet"])
    size: int = Field(description="In bytes.", examples=[5242880])
    etag: str = Field(examples=["9b2cf535f27731c974343645a3985328"])
    media_type: str = Field(examples=["application/vnd.apache.parquet"])
    metadata: dict[str, str] = Field(examples=[{"source": "bts"}])
    last_modified: datetime

    @classmethod
    def of(cls, info: ObjectInfo) -> Self:
        """The answer that tells of an object."""
        return cls(
            bucket=str(info.ref.bucket),
            name=str(info.ref.name),
            size=info.size,
            etag=info.etag,
            media_type=info.media_type,
            metadata=dict(info.metadata.entries),
            last_modified=info.last_modified,
        )


class ObjectSummaryAnswer(AnswerModel):
    """An object in a listing."""

    name: str = Field(examples=["2013/flights.parquet"])
    size: int = Field(description="In bytes.", examples=[5242880])
    etag: str = Field(examples=["9b2cf535f27731c974343645a3985328"])
    last_modified: datetime


class ObjectsAnswer(AnswerModel):
    """A page of objects."""

    objects: list[ObjectSummaryAnswer]
    prefixes: list[str] = Field(description="What `delimiter` rolled up.", examples=[["2013/"]])
    next_page_token: str | None = Field(description="Null on the last page.")

    @classmethod
    def of(cls, page: ObjectPage, next_page_token: str | None) -> Self:
        """The answer that tells of a page."""
        return cls(
            objects=[
                ObjectSummaryAnswer(
                    name=found.name,
                    size=found.size,
                    etag=found.etag,
                    last_modified=found.last_modified,
                )
                for found in page.objects
            ],
            prefixes=list(page.prefixes),
            next_page_token=next_page_token,
        )


class WantedUrl(RequestModel):
    """A presigned URL that is asked for."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"object": "2013/flights.parquet", "method": "GET", "expires_s": 3600}]
        }
    )

    object: str = Field(description="The object's name in the bucket.")
    method: Literal["GET", "PUT"] = Field(description="What the URL is for.")
    expires_s: int = Field(
        ge=1, le=MAX_EXPIRY_S, description="For how many seconds it is good; 7 days at most."
    )

    def request(self, bucket: BucketName) -> PresignRequest:
        """What is asked for, in the domain's words.

        Raises:
            LocatedError: When the object's name is against the rules.
        """
        with located(Part.BODY, "/object"):
            ref = ObjectRef(bucket, ObjectName(self.object))
            return PresignRequest(ref, PresignedMethod(self.method), self.expires_s)


class UrlAnswer(AnswerModel):
    """A presigned URL."""

    url: str = Field(examples=["https://minio:9000/raw-data/2013/flights.parquet?X-Amz-..."])
    expires_at: datetime = Field(description="From when on the store refuses it.")

    @classmethod
    def of(cls, signed: PresignedUrl) -> Self:
        """The answer that tells of a URL."""
        return cls(url=signed.url, expires_at=signed.expires_at)
