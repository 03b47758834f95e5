"""What a processing job is given: objects of the bucket, named in a manifest, below SageMaker's mount."""

import json
from collections.abc import Iterable

from lambdas.aws.capture import Source
from lambdas.aws.settings import setting

MOUNTED = "/opt/ml/processing"


def manifest(sources: Iterable[Source]) -> bytes:
    """Objects as SageMaker is told of them: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_S3DataSource.html"""
    return json.dumps([{"prefix": uri("")}, *(source.key for source in sources)]).encode()


def uri(key: str) -> str:
    return f"s3://{setting('BUCKET')}/{key}"
