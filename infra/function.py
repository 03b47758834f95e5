"""One Lambda function: a handler and what it imports, zipped as they lie in the repository."""

from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra import imports
from infra.checks import ConfigError
from infra.nag import accept
from infra.permissions import Permission
from slipway import names

ROOT = Path(__file__).parents[1]
LAYER = ROOT / "build" / "layer"
ARCHITECTURE = lambda_.Architecture.ARM_64
RUNTIME = lambda_.Runtime.PYTHON_3_13
KEEP_LOGS = logs.RetentionDays.THREE_MONTHS


class Function(lambda_.Function):
    """`lambdas/{verb}.py` with a role of its own that may do what is listed, and nothing else."""

    def __init__(
        self,
        scope: Construct,
        verb: str,
        *,
        timeout: int,
        environment: Mapping[str, str],
        may: Iterable[Permission],
        memory: int = 256,
        dead_letter_queue: sqs.IQueue | None = None,
    ) -> None:
        """timeout: seconds. memory: MB. dead_letter_queue: takes events that failed three times; for functions events
        start."""
        id = verb.title().replace("_", "")
        group = logs.LogGroup(
            scope,
            f"{id}Log",
            log_group_name=f"/aws/lambda/{names.function(verb)}",
            retention=KEEP_LOGS,
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )
        role = iam.Role(scope, f"{id}Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        super().__init__(
            scope,
            id,
            function_name=names.function(verb),
            description=f"Slipway: lambdas/{verb}.py",
            runtime=RUNTIME,
            architecture=ARCHITECTURE,
            handler=f"lambdas.{verb}.handler",
            code=_code(verb),
            layers=[_layer(scope)],
            role=role,
            memory_size=memory,
            timeout=cdk.Duration.seconds(timeout),
            tracing=lambda_.Tracing.ACTIVE,
            log_group=group,
            dead_letter_queue=dead_letter_queue,
            environment={
                **environment,
                "POWERTOOLS_SERVICE_NAME": verb,
                "POWERTOOLS_METRICS_NAMESPACE": names.METRICS,
                "POWERTOOLS_LOG_LEVEL": "INFO",
            },
        )
        group.grant_write(role)
        accept(self, "L1", "Python 3.13 is the newest runtime the pinned libraries are tested with.")
        accept(role, "IAM5", "X-Ray has no resources; Lambda's tracing needs it.", finding="Resource::*")
        for permission in may:
            permission.give(role)


def _code(verb: str) -> lambda_.Code:
    """A view of the repository, so that an edit changes the zips of those functions that import the file."""
    files = imports.closure(ROOT, f"lambdas.{verb}")
    folders = {str(folder) for file in files for folder in PurePosixPath(file).parents if folder.name}
    inside = [*(f"/{folder}/" for folder in sorted(folders)), *(f"/{file}" for file in files)]
    exclude = ["*", *(f"!{path}" for path in inside)]
    return lambda_.Code.from_asset(str(ROOT), ignore_mode=cdk.IgnoreMode.GIT, exclude=exclude)


def _layer(scope: Construct) -> lambda_.ILayerVersion:
    """The stack's shared libraries. One layer a stack: CloudFormation can't replace one that another stack imports."""
    stack = cdk.Stack.of(scope)
    if layer := stack.node.try_find_child("Libraries"):
        assert isinstance(layer, lambda_.LayerVersion)
        return layer
    if not (LAYER / "python").is_dir():
        raise ConfigError("the functions' libraries are not built: run `make setup`")
    return lambda_.LayerVersion(
        stack,
        "Libraries",
        description="Slipway: Powertools, pure Python",
        code=lambda_.Code.from_asset(str(LAYER), exclude=[".done"]),
        compatible_runtimes=[RUNTIME],
        compatible_architectures=[ARCHITECTURE],
    )
