import io
import tarfile
from pathlib import Path

import boto3
import pytest
from moto import mock_aws

from sandbox.dataplane.artifacts import ArtifactStore, ArtifactUnavailable


def archive(**files: str) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as tar:
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            tar.addfile(entry, io.BytesIO(text.encode()))
    return content.getvalue()


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    (tmp_path / "cache").mkdir()
    return ArtifactStore(tmp_path / "cache")


def test_a_file_is_unpacked_once_and_again_only_when_it_changed(store: ArtifactStore, tmp_path: Path) -> None:
    source = tmp_path / "model.tar.gz"
    source.write_bytes(archive(weights="1"))
    first = store.unpacked(source.as_uri())
    assert (first / "weights").read_text() == "1"
    assert store.unpacked(source.as_uri()) == first
    source.write_bytes(archive(weights="two"))
    assert (store.unpacked(source.as_uri()) / "weights").read_text() == "two"
    assert (first / "weights").read_text() == "1"


def test_an_artifact_from_s3_is_kept_by_its_etag(store: ArtifactStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket="models")
        s3.put_object(Bucket="models", Key="a/model.tar.gz", Body=archive(weights="1"))
        first = store.unpacked("s3://models/a/model.tar.gz")
        assert (first / "weights").read_text() == "1"
        assert store.unpacked("s3://models/a/model.tar.gz") == first
        s3.put_object(Bucket="models", Key="a/model.tar.gz", Body=archive(weights="2"))
        assert (store.unpacked("s3://models/a/model.tar.gz") / "weights").read_text() == "2"
        with pytest.raises(ArtifactUnavailable, match="404"):
            store.unpacked("s3://models/missing")


def test_a_path_that_leaves_the_directory_is_refused(store: ArtifactStore, tmp_path: Path) -> None:
    source = tmp_path / "model.tar.gz"
    source.write_bytes(archive(**{"../../escaped": "x"}))
    with pytest.raises(ArtifactUnavailable, match="escaped"):
        store.unpacked(source.as_uri())
    assert not list(tmp_path.rglob("escaped"))


@pytest.mark.parametrize(("url", "says"), [("https://x/y", "s3://"), ("file:///no/such/file", "No such file")])
def test_what_cannot_be_read_is_named(store: ArtifactStore, url: str, says: str) -> None:
    with pytest.raises(ArtifactUnavailable, match=says):
        store.unpacked(url)


def test_a_broken_archive_leaves_nothing_that_looks_whole(store: ArtifactStore, tmp_path: Path) -> None:
    source = tmp_path / "model.tar.gz"
    source.write_bytes(archive(weights="1" * 100_000)[:-20])
    for _ in range(2):
        with pytest.raises(ArtifactUnavailable):
            store.unpacked(source.as_uri())
