"""The managed XGBoost containers: one registry account a region.

Source: the image table of the SageMaker Python SDK, the same for every version of the repository.
"""

import re

import aws_cdk as cdk
from constructs import Construct

from infra.registry import Registry

REPOSITORY = "sagemaker-xgboost"
ACCOUNTS = {
    "af-south-1": "510948584623",
    "ap-east-1": "651117190479",
    "ap-northeast-1": "354813040037",
    "ap-northeast-2": "366743142698",
    "ap-northeast-3": "867004704886",
    "ap-south-1": "720646828776",
    "ap-south-2": "628508329040",
    "ap-southeast-1": "121021644041",
    "ap-southeast-2": "783357654285",
    "ap-southeast-3": "951798379941",
    "ap-southeast-4": "106583098589",
    "ca-central-1": "341280168497",
    "ca-west-1": "190319476487",
    "cn-north-1": "450853457545",
    "cn-northwest-1": "451049120500",
    "eu-central-1": "492215442770",
    "eu-central-2": "680994064768",
    "eu-north-1": "662702820516",
    "eu-south-1": "978288397137",
    "eu-south-2": "104374241257",
    "eu-west-1": "141502667606",
    "eu-west-2": "764974769150",
    "eu-west-3": "659782779980",
    "il-central-1": "898809789911",
    "me-central-1": "272398656194",
    "me-south-1": "801668240914",
    "sa-east-1": "737474898029",
    "us-east-1": "683313688378",
    "us-east-2": "257758044811",
    "us-gov-east-1": "237065988967",
    "us-gov-west-1": "414596584902",
    "us-west-1": "746614075791",
    "us-west-2": "246618743249",
}
REGISTRY = Registry("XGBoostRegistry", REPOSITORY, ACCOUNTS)


def uri(scope: Construct, image: str) -> str:
    """`3.2-0` -> `683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.2-0`; a whole URI is kept."""
    return image if "/" in image else f"{REGISTRY.uri(scope)}:{image}"


def repository_arn(scope: Construct, image: str) -> str:
    """The ECR repository that holds the image."""
    own = re.match(r"(\d{12})\.dkr\.ecr\.([a-z0-9-]+)\.[^/]+/([^:@]+)", image)
    if not own:
        return REGISTRY.repository_arn(scope)
    account, region, repository = own.groups()
    return f"arn:{cdk.Aws.PARTITION}:ecr:{region}:{account}:repository/{repository}"
