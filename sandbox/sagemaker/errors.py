"""The errors SageMaker answers with, by its own codes."""


class ServiceError(Exception):
    """An error that the caller of the API sees: a code such as `ValidationException`, a message, an HTTP status."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status


def invalid(message: str) -> ServiceError:
    """What SageMaker answers to nearly everything, a missing endpoint included."""
    return ServiceError("ValidationException", message)


def in_use(message: str) -> ServiceError:
    return ServiceError("ResourceInUse", message)


def limit_exceeded(message: str) -> ServiceError:
    return ServiceError("ResourceLimitExceeded", message)


def throttled() -> ServiceError:
    return ServiceError("ThrottlingException", "Rate exceeded")
