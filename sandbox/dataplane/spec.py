"""What the control plane asks of the data plane, parsed strictly: unknown or missing keys are errors."""

from dataclasses import MISSING, dataclass, field, fields
from typing import Any, Self

PRODUCTION = "production"
SHADOW = "shadow"


class BadSpec(ValueError):
    """The control plane sent something else than the contract says."""


class _Strict:
    @classmethod
    def parse(cls, raw: Any) -> Self:
        """Build from a JSON object. Raises BadSpec that names the key."""
        if not isinstance(raw, dict):
            raise BadSpec(f"{cls.__name__} must be an object, got {raw!r}")
        known = {f.name: f for f in fields(cls)}  # type: ignore[arg-type]
        if unknown := sorted(set(raw) - set(known)):
            raise BadSpec(f"{cls.__name__} has unknown keys {unknown}")
        required = {name for name, f in known.items() if f.default is MISSING and f.default_factory is MISSING}
        if missing := sorted(required - set(raw)):
            raise BadSpec(f"{cls.__name__} lacks {missing}")
        return cls(**raw)


@dataclass(frozen=True)
class Model(_Strict):
    """`artifact`: URL of model.tar.gz. `environment`: the container's variables."""

    name: str
    artifact: str
    image: str = ""
    environment: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Variant(_Strict):
    """`weight` is a share only after division by the sum of its kind."""

    name: str
    kind: str
    weight: float
    instances: int
    model: Model

    def __post_init__(self) -> None:
        if self.kind not in (PRODUCTION, SHADOW):
            raise BadSpec(f"variant {self.name} has kind {self.kind!r}")
        if self.weight < 0 or self.instances < 1:
            raise BadSpec(f"variant {self.name}: weight {self.weight}, instances {self.instances}")


@dataclass(frozen=True)
class Capture(_Strict):
    """Data Capture. `csv` and `json` are the content types written as text; all others become base64."""

    sampling_percentage: float
    destination: str
    options: list[str] = field(default_factory=lambda: ["Input", "Output"])
    csv: list[str] = field(default_factory=list)
    json: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Endpoint(_Strict):
    """One endpoint as it should be from `version` on."""

    version: int
    config_name: str
    endpoint_config_arn: str
    capture: Capture | None
    variants: tuple[Variant, ...]

    @classmethod
    def parse(cls, raw: Any) -> Self:
        if not isinstance(raw, dict) or not isinstance(raw.get("variants"), list):
            raise BadSpec(f"an endpoint needs a list of variants, got {raw!r}")
        variants = tuple(
            Variant.parse({**v, "model": Model.parse(v.get("model"))} if isinstance(v, dict) else v)
            for v in raw["variants"]
        )
        capture = Capture.parse(raw["capture"]) if raw.get("capture") else None
        spec = super().parse({**raw, "capture": capture, "variants": variants})
        if len({v.name for v in variants}) != len(variants) or not any(v.kind == PRODUCTION for v in variants):
            raise BadSpec("variants must have different names, and at least one must be a production variant")
        return spec


@dataclass(frozen=True)
class Faults(_Strict):
    """Physics switches of one variant; the default is a healthy one. `kill` keeps its container down while it is set;
    `capture` False makes a gap in Data Capture. `base_score`: an XGBoost runs that takes this for every model's
    intercept, as versions do that can't read how another one stored it; 0 for the one that was asked for."""

    error_rate: float = 0.0
    extra_latency_ms: float = 0.0
    kill: bool = False
    capture: bool = True
    base_score: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.error_rate <= 1 or self.extra_latency_ms < 0 or not 0 <= self.base_score < 1:
            raise BadSpec(f"error_rate is 0..1, extra_latency_ms >= 0 and base_score 0 or below 1, got {self}")
