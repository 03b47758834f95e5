"""The head of a signed request, reused for minutes: the data plane checks who asks, not each body's digest."""

from urllib.parse import urlsplit

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest

SIGNATURE_AGE = 240  # seconds; AWS accepts a signature for five minutes


def signed_head(url: str, endpoint: str) -> bytes:
    """A `%`-template of an InvokeEndpoint request's head; it wants the inference id and the body's length.

    Signs with the environment's credentials. Raises NoCredentialsError where there are none.
    """
    url = f"{url.rstrip('/')}/endpoints/{endpoint}/invocations"
    session = boto3.Session()
    request = AWSRequest("POST", url, {"Content-Type": "text/csv", "Accept": "text/csv"}, b"")
    SigV4Auth(session.get_credentials(), "sagemaker", session.region_name or "us-east-1").add_auth(request)
    parts = urlsplit(url)
    headers = {"Host": parts.netloc, **dict(request.headers.items())}
    lines = [f"POST {parts.path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    fixed = "\r\n".join(lines).replace("%", "%%").encode()
    return fixed + b"\r\nX-Amzn-SageMaker-Inference-Id: %b\r\nContent-Length: %d\r\n\r\n"
