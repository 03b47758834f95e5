"""The CDK app: cdk.json's context in, three CloudFormation stacks out."""

import sys

import aws_cdk as cdk

from infra.checks import ConfigError
from infra.stacks import declare

app = cdk.App(analytics_reporting=False)
try:
    declare(app)
except ConfigError as error:
    sys.exit(f"slipway: {error}")
app.synth()
