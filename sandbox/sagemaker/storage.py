"""Moving a job's data between S3 and its directories, as the job's role."""

import json
import tarfile
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import ClientError


class JobError(Exception):
    """Why a job failed, in the words of its FailureReason."""


class NothingThere(JobError):
    """No object lies under an address."""


def split(uri: str) -> tuple[str, str]:
    """`s3://bucket/key` as bucket and key."""
    address = urlsplit(uri)
    return address.netloc, address.path.lstrip("/")


def download_prefix(s3: Any, uri: str, target: Path) -> int:
    """Copy every object under an S3 prefix (or the one object) into `target`; returns how many. Raises JobError."""
    bucket, prefix = split(uri)
    try:
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        keys = [item["Key"] for page in pages for item in page.get("Contents", ()) if not item["Key"].endswith("/")]
        for key in keys:
            path = (target / _relative(key, prefix)).resolve()
            if not path.is_relative_to(target.resolve()):
                raise JobError(f"ClientError: Data download failed: the key {key} leaves its channel.")
            path.parent.mkdir(parents=True, exist_ok=True)
            s3.download_file(bucket, key, str(path))
    except ClientError as error:
        raise JobError(f"ClientError: Data download failed: {_denied(uri, error)}") from error
    if not keys:
        raise NothingThere(
            f"ClientError: No S3 objects found under S3 URL "
            f'"{uri}" given in input data source. Please ensure that the bucket exists in the selected region, that '
            f"objects exist under that S3 prefix, and that the role has s3:ListBucket permission on the bucket."
        )
    return len(keys)


def download_manifest(s3: Any, uri: str, target: Path) -> int:
    """Copy the objects that a manifest names to their relative paths in `target`; returns how many. Raises JobError.

    A manifest is `[{"prefix": "s3://bucket/folder/"}, "relative/path", ...]`.
    """
    bucket, key = split(uri)
    try:
        first, *paths = json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
        start = first["prefix"]
    except ClientError as error:
        raise JobError(f"ClientError: Data download failed: {_denied(uri, error)}") from error
    except (ValueError, KeyError, TypeError):
        raise JobError(
            f'ClientError: Data download failed: manifest file {uri} needs [{{"prefix": ...}}, ...]'
        ) from None
    return sum(download_prefix(s3, f"{start}{path}", (target / path).parent) for path in paths)


def download_archive(s3: Any, uri: str, target: Path) -> None:
    """Unpack a tar.gz object into `target`. Raises JobError."""
    bucket, key = split(uri)
    target.mkdir(parents=True, exist_ok=True)
    try:
        with tarfile.open(fileobj=s3.get_object(Bucket=bucket, Key=key)["Body"], mode="r|gz") as archive:
            archive.extractall(target, filter="data")
    except (ClientError, tarfile.TarError) as error:
        raise JobError(f"ClientError: Data download failed: {_denied(uri, error)}") from error


def upload_archive(s3: Any, source: Path, uri: str, scratch: Path) -> None:
    """Pack what is in `source` into a tar.gz object; `scratch` is where the archive is made. Raises JobError."""
    archive_path = scratch / "upload.tar.gz"
    with tarfile.open(archive_path, "w:gz") as archive:
        for path in sorted(source.iterdir()):
            archive.add(path, arcname=path.name)
    upload_file(s3, archive_path, uri)


def upload_prefix(s3: Any, source: Path, uri: str) -> None:
    """Copy every file under `source` to an S3 prefix. Raises JobError."""
    for path in sorted(source.rglob("*")):
        if path.is_file():
            upload_file(s3, path, f"{uri.rstrip('/')}/{path.relative_to(source).as_posix()}")


def upload_file(s3: Any, path: Path, uri: str) -> None:
    bucket, key = split(uri)
    try:
        s3.put_object(Bucket=bucket, Key=key, Body=path.read_bytes())
    except ClientError as error:
        raise JobError(f"ClientError: Artifact upload failed: {_denied(uri, error)}") from error


def _relative(key: str, prefix: str) -> str:
    """A key under a folder keeps its path below it; a key that is the prefix, or merely starts so, keeps its name."""
    folder = prefix if prefix.endswith("/") or not prefix else f"{prefix}/"
    return key.removeprefix(folder) if key.startswith(folder) else key.rsplit("/", 1)[-1]


def _denied(uri: str, error: Exception) -> str:
    return f"Please ensure that the role has the s3 permissions it needs and that {uri} exists. {error}"
