"""AWS's own containers: one repository name, one registry account a region."""

from collections.abc import Mapping
from dataclasses import dataclass

import aws_cdk as cdk
from constructs import Construct


@dataclass(frozen=True)
class Registry:
    """Resolved at deployment, in whatever region that is. accounts: region to account; id: of the template's table."""

    id: str
    repository: str
    accounts: Mapping[str, str]

    def uri(self, scope: Construct) -> str:
        """Without a tag."""
        return f"{self.account(scope)}.dkr.ecr.{cdk.Aws.REGION}.{cdk.Aws.URL_SUFFIX}/{self.repository}"

    def repository_arn(self, scope: Construct) -> str:
        account = self.account(scope)
        return f"arn:{cdk.Aws.PARTITION}:ecr:{cdk.Aws.REGION}:{account}:repository/{self.repository}"

    def account(self, scope: Construct) -> str:
        stack = cdk.Stack.of(scope)
        mapping = {region: {"Account": account} for region, account in self.accounts.items()}
        table = stack.node.try_find_child(self.id) or cdk.CfnMapping(stack, self.id, mapping=mapping)
        assert isinstance(table, cdk.CfnMapping)
        return table.find_in_map(cdk.Aws.REGION, "Account")
