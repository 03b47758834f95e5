"""SageMaker's Spark container, in which monitoring's jobs run, also those of one process: Python 3.12, as they need.

Sources: https://github.com/aws/sagemaker-spark-container (`available_images.md` and its releases), and the image table
of the SageMaker Python SDK.
"""

from constructs import Construct

from infra.images import ACCOUNTS as REGIONS
from infra.registry import Registry

REPOSITORY = "sagemaker-spark-processing"
VERSION = "3.5-cpu-py312-v1.3"  # the first whose `python3` is that Python
ACCOUNTS = {
    "af-south-1": "309385258863",
    "ap-east-1": "732049463269",
    "ap-northeast-1": "411782140378",
    "ap-northeast-2": "860869212795",
    "ap-northeast-3": "364406365360",
    "ap-south-1": "105495057255",
    "ap-southeast-1": "759080221371",
    "ap-southeast-2": "440695851116",
    "ca-central-1": "446299261295",
    "cn-north-1": "671472414489",
    "cn-northwest-1": "844356804704",
    "eu-central-1": "906073651304",
    "eu-north-1": "330188676905",
    "eu-south-1": "753923664805",
    "eu-west-1": "571004829621",
    "eu-west-2": "836651553127",
    "eu-west-3": "136845547031",
    "me-south-1": "750251592176",
    "sa-east-1": "737130764395",
    "us-east-1": "173754725891",
    "us-east-2": "314815235551",
    "us-gov-west-1": "271483468897",
    "us-west-1": "667973535471",
    "us-west-2": "153931337802",
}
# Elsewhere the container is not known to be; a deployment must succeed there, and a job that needs it says so.
ELSEWHERE = "000000000000"
REGISTRY = Registry("SparkRegistry", REPOSITORY, dict.fromkeys(REGIONS, ELSEWHERE) | ACCOUNTS)


def uri(scope: Construct) -> str:
    """In the stack's region."""
    return f"{REGISTRY.uri(scope)}:{VERSION}"
