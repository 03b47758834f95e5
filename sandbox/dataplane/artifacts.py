"""Model artifacts: fetched from S3 (or a file:// URL), unpacked safely, kept while their ETag stays the same."""

import hashlib
import tarfile
import tempfile
import threading
import zlib
from pathlib import Path
from urllib.parse import unquote, urlsplit

import boto3
from botocore.exceptions import BotoCoreError, ClientError


class ArtifactUnavailable(Exception):
    """The artifact can't be read or unpacked; says which and why."""


class ArtifactStore:
    """A cache of unpacked artifacts under `directory`. Safe to call from several threads."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._lock = threading.Lock()

    def unpacked(self, url: str) -> Path:
        """The directory that holds the artifact's files. Raises ArtifactUnavailable."""
        with self._lock:
            try:
                return self._unpacked(url)
            except (OSError, EOFError, tarfile.TarError, zlib.error, BotoCoreError, ClientError) as error:
                raise ArtifactUnavailable(f"{url}: {error}") from error

    def _unpacked(self, url: str) -> Path:
        parts = urlsplit(url)
        if parts.scheme == "file":
            source = Path(unquote(parts.path))
            stat = source.stat()
            return self._extract(url, f"{stat.st_mtime_ns}-{stat.st_size}", source)
        if parts.scheme != "s3":
            raise OSError("an artifact's URL starts with s3:// or file://")
        s3 = boto3.client("s3")
        bucket, key = parts.netloc, parts.path.lstrip("/")
        etag = s3.head_object(Bucket=bucket, Key=key)["ETag"]
        with tempfile.NamedTemporaryFile(dir=self._directory, suffix=".tar.gz") as download:
            if not self._place(url, etag).exists():
                s3.download_fileobj(bucket, key, download)
                download.flush()
            return self._extract(url, etag, Path(download.name))

    def _place(self, url: str, version: str) -> Path:
        return self._directory / hashlib.sha256(f"{url} {version}".encode()).hexdigest()[:16] / "model"

    def _extract(self, url: str, version: str, source: Path) -> Path:
        place = self._place(url, version)
        if not place.exists():
            place.parent.mkdir(exist_ok=True)
            # Unpack beside and rename: a broken archive leaves nothing that looks whole.
            with tempfile.TemporaryDirectory(dir=place.parent) as partial, tarfile.open(source) as archive:
                archive.extractall(Path(partial) / "model", filter="data")
                (Path(partial) / "model").rename(place)
        return place
