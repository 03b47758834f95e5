"""What the deployment tells a function, read when asked for, never at import."""

import os


class NotConfigured(Exception):
    """The function lacks an environment variable its stack should have set."""


def setting(name: str) -> str:
    try:
        return os.environ[name]
    except KeyError:
        raise NotConfigured(f"environment variable {name} is not set; redeploy the stack of this function") from None
