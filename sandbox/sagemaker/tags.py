"""AddTags, ListTags, DeleteTags."""

from sandbox.sagemaker.errors import invalid
from sandbox.sagemaker.operations import Answer, Params, operation
from sandbox.sagemaker.store import LOCK, name_of, tag, tags_of


def as_list(resource: str) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in sorted(tags_of(resource).items())]


@operation
def add_tags(params: Params) -> Answer:
    with LOCK:
        tag(_existing(params), params["Tags"])
        return {"Tags": as_list(params["ResourceArn"])}


@operation
def list_tags(params: Params) -> Answer:
    with LOCK:
        return {"Tags": as_list(_existing(params))}


@operation
def delete_tags(params: Params) -> Answer:
    with LOCK:
        tags = tags_of(_existing(params))
        for key in params["TagKeys"]:
            tags.pop(key, None)
    return {}


def _existing(params: Params) -> str:
    resource: str = params["ResourceArn"]
    if name_of(resource) is None:
        raise invalid(f'Could not find resource "{resource}".')
    return resource
