"""Model packages and the artifacts behind them."""

import gzip
import hashlib
import io
import json
import tarfile

import pytest

from lambdas.aws import registry
from lambdas.aws.clients import client
from slipway.admission import Refused
from tests.lambdas.world import BUCKET, MANIFEST, PACKAGE, World, archive

KEY = "models/x/model.tar.gz"
URI = f"s3://{BUCKET}/{KEY}"


def put(body: bytes) -> bytes:
    client("s3").put_object(Bucket=BUCKET, Key=KEY, Body=body)
    return body


def test_a_package_is_described(world: World) -> None:
    world.register()
    package = registry.describe(PACKAGE)
    assert (package.group, package.version, package.status) == ("fraud", 7, "Approved")
    assert package.artifact == f"s3://{BUCKET}/models/7/model.tar.gz"


def test_two_approvals_of_a_package_can_be_told_apart(world: World) -> None:
    world.register()
    first = registry.describe(PACKAGE).changed_at
    world.register(LastModifiedTime=world.sagemaker.packages[PACKAGE]["CreationTime"].replace(hour=23))
    assert registry.describe(PACKAGE).changed_at != first


@pytest.mark.parametrize(
    "containers", [[], [{"Image": "i"}], [{"Image": "i", "ModelDataUrl": "s3://a/b"}] * 2], ids=["none", "bare", "two"]
)
def test_only_one_container_with_one_artifact_is_served(world: World, containers: list[dict[str, str]]) -> None:
    world.register(InferenceSpecification={"Containers": containers})
    with pytest.raises(Refused, match=f"has {len(containers)} containers with artifacts"):
        registry.describe(PACKAGE)


@pytest.mark.parametrize("name", ["manifest.json", "./manifest.json"])
def test_an_artifact_is_digested_and_its_manifest_read(world: World, name: str) -> None:
    body = put(archive({"model.ubj": b"\x00" * 1000, name: json.dumps(MANIFEST).encode()}))
    assert registry.artifact(URI) == (hashlib.sha256(body).hexdigest(), MANIFEST)


def directory() -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w:gz") as tar:
        info = tarfile.TarInfo("manifest.json")
        info.type = tarfile.DIRTYPE
        tar.addfile(info)
    return target.getvalue()


def damaged() -> bytes:
    """Valid but for a byte in the middle of the compressed data."""
    body = bytearray(archive({"manifest.json": json.dumps([*range(5000)]).encode()}))
    body[len(body) // 2] ^= 0xFF
    return bytes(body)


NO_ARTIFACTS = {
    "no manifest": archive({"model.ubj": b"x"}),
    "elsewhere": archive({"code/manifest.json": b"{}"}),
    "no JSON": archive({"manifest.json": b"{"}),
    "no text": archive({"manifest.json": b"\xff"}),
    "no object": archive({"manifest.json": b"[1]"}),
    "too large": archive({"manifest.json": b"{}" + b" " * 2**22}),
    "a folder": directory(),
    "damaged": damaged(),
    "cut off": archive({"manifest.json": b"{}"})[:40],
    "no tar": gzip.compress(b"no tar"),
    "no gzip": b"no gzip",
    "empty": b"",
}


@pytest.mark.parametrize("body", NO_ARTIFACTS.values(), ids=NO_ARTIFACTS)
def test_what_is_no_artifact_with_a_manifest_is_refused_with_what_to_do(world: World, body: bytes) -> None:
    put(body)
    with pytest.raises(Refused, match=r"no model.tar.gz with a manifest.json .* train it with training/train.py"):
        registry.artifact(URI)


def test_an_artifact_too_large_to_verify_is_refused_before_it_is_read(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = put(archive({"manifest.json": b"{}"}))
    monkeypatch.setattr(registry, "LARGEST", len(body) - 1)
    with pytest.raises(Refused, match=f"has {len(body)} bytes; at most {len(body) - 1}"):
        registry.artifact(URI)
    assert world.wire.made("get_object") == []


def test_an_artifact_that_is_not_there_is_refused(world: World) -> None:
    with pytest.raises(Refused, match=r"models/x/model.tar.gz is not there"):
        registry.artifact(URI)
