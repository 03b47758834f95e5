"""Objects of the one bucket, whole: what monitoring keeps is small."""

from collections.abc import Iterator, Mapping

from botocore.exceptions import ClientError

from lambdas.aws.clients import client
from lambdas.aws.settings import setting


def get(key: str) -> bytes | None:
    """The object, or None where there is none."""
    try:
        return bytes(client("s3").get_object(Bucket=setting("BUCKET"), Key=key)["Body"].read())
    except client("s3").exceptions.NoSuchKey:
        return None


def put(key: str, body: bytes, metadata: Mapping[str, str] | None = None, kind: str = "binary/octet-stream") -> None:
    """kind: the media type, by which a browser shows the object or saves it."""
    told = dict(metadata or {})
    client("s3").put_object(Bucket=setting("BUCKET"), Key=key, Body=body, Metadata=told, ContentType=kind)


def put_new(key: str, body: bytes) -> bool:
    """Writes an object that is never written again; False where it is there already, whoever was faster."""
    try:
        client("s3").put_object(Bucket=setting("BUCKET"), Key=key, Body=body, IfNoneMatch="*")
    except ClientError as error:
        if error.response["Error"]["Code"] in ("PreconditionFailed", "ConditionalRequestConflict"):
            return False
        raise
    return True


def metadata(key: str) -> dict[str, str]:
    """The user metadata of an object that is there."""
    return dict(client("s3").head_object(Bucket=setting("BUCKET"), Key=key)["Metadata"])


def below(prefix: str, after: str = "") -> Iterator[str]:
    """Keys below a prefix in their order, from `after` on."""
    return (key for key, _ in sizes(prefix, after))


def size(*prefixes: str) -> int:
    """Bytes of all objects below prefixes."""
    return sum(size for prefix in prefixes for _, size in sizes(prefix))


def sizes(prefix: str, after: str = "") -> Iterator[tuple[str, int]]:
    """As `below`, each key with its object's bytes."""
    pages = (
        client("s3")
        .get_paginator("list_objects_v2")
        .paginate(Bucket=setting("BUCKET"), Prefix=f"{prefix}/", StartAfter=after or f"{prefix}/")
    )
    for page in pages:
        for item in page.get("Contents", ()):
            yield item["Key"], item["Size"]
