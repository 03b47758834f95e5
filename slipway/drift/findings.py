"""What the detectors are given, and what they say."""

from dataclasses import dataclass
from enum import StrEnum

from slipway.drift.profile import Profile


class Detector(StrEnum):
    """The five failure modes."""

    FEATURE = "feature"
    CONCEPT = "concept"
    LABEL = "label"
    INFRASTRUCTURE = "infrastructure"
    EVAL = "eval"


class Remedy(StrEnum):
    """In order of precedence: what makes the evidence of a later one doubtful comes first."""

    ROLL_BACK = "ROLL_BACK"
    REPAIR_DATA = "REPAIR_DATA"
    RELABEL = "RELABEL"
    RETRAIN = "RETRAIN"
    REFRESH_HOLDOUT = "REFRESH_HOLDOUT"
    NOTHING = "NOTHING"


class Cause(StrEnum):
    DISTRIBUTION = "distribution"  # a feature's values, or the scores
    JOINT = "joint"  # how features go together
    UNSEEN = "unseen"  # values of a category that training did not have
    SCHEMA = "schema"  # absent, surplus or swapped columns, text or fractions where none were, renamed levels, rejects
    UNITS = "units"
    NULLS = "nulls"
    STUCK = "stuck"  # one value in all rows
    CONCEPT = "concept"  # what the features say about the label
    LABEL_POLICY = "label_policy"  # the label, given the score
    ANNOTATOR = "annotator"  # those who label disagree
    ANCHORS = "anchors"  # rows labelled again get other labels
    REPLAY = "replay"
    FINGERPRINT = "fingerprint"
    STALE_HOLDOUT = "stale_holdout"
    CAPTURE_STOPPED = "capture_stopped"
    NO_TRAFFIC = "no_traffic"
    LABELS_LATE = "labels_late"
    OTHER_REFERENCE = "other_reference"  # the window was counted for another model


DATA_FAULTS = (Cause.SCHEMA, Cause.UNITS, Cause.NULLS, Cause.STUCK, Cause.CAPTURE_STOPPED)


@dataclass(frozen=True)
class Window:
    """since, until: unix seconds. requests: the variant's invocations as the endpoint counted them, None if unknown.

    profile.labelled is filled once the window's labels are mature, and empty until then.
    """

    since: float
    until: float
    profile: Profile
    requests: int | None = None

    def __post_init__(self) -> None:
        if not self.since < self.until:
            raise ValueError(f"until: must lie after since, {self.since:.0f}; not {self.until!r}")


@dataclass(frozen=True)
class Probe:
    """Golden rows, recorded when the model was registered, replayed against a variant at `at` (unix seconds).

    expected, got: their scores in the same order; None was not answered. recorded, found: the fingerprint then and
    now, as (name, value), such as ("image", "sha256:...") or ("instance_type", "ml.m5.large").
    """

    at: float
    variant: str
    expected: tuple[float, ...] = ()
    got: tuple[float | None, ...] = ()
    recorded: tuple[tuple[str, str], ...] = ()
    found: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        if len(self.expected) != len(self.got):
            raise ValueError(f"got: {len(self.got)} scores for {len(self.expected)} golden rows")


@dataclass(frozen=True)
class TwoSample:
    """A classifier that was asked to tell old rows from recent ones (Lopez-Paz & Oquab 2017, arXiv:1610.06545).

    auc: out of sample; .5 is "can't tell". p_value: of "no difference". older, recent: rows of each side.
    """

    auc: float
    p_value: float
    older: int
    recent: int


@dataclass(frozen=True)
class Holdout:
    """The rows that models are evaluated on, against recent labelled traffic. age: seconds since its newest row.

    effective: rows it is worth for today's traffic, (sum w)^2 / sum w^2 of the density ratios w; None if unknown.
    new_levels: (feature, share of recent rows with a level that the holdout does not have).
    """

    age: float
    rows: int
    test: TwoSample | None = None
    effective: float | None = None
    new_levels: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True)
class Anchors:
    """Rows with an undisputed label, labelled again under today's policy. usual: share that changes in any event."""

    rows: int
    changed: int
    usual: float = 0.02

    def __post_init__(self) -> None:
        if not 0 <= self.changed <= self.rows:
            raise ValueError(f"changed: must be a part of {self.rows} rows, not {self.changed}")
        if not 0 < self.usual < 1:
            raise ValueError(f"usual: must lie strictly between 0 and 1, not {self.usual!r}")


@dataclass(frozen=True)
class Finding:
    """subject: a feature, a bin such as "age [30, 45)", "score", a variant, or "". scale: windows looked at together.

    effect and floor share a unit, which `says` names. It is alarming if the effect reaches its floor and p_value its
    bar, or if it dwarfs all that the baseline's windows did; where nothing is left to chance p_value is None.
    """

    detector: Detector
    cause: Cause
    subject: str
    scale: int
    effect: float
    floor: float
    p_value: float | None
    bar: float
    alarming: bool
    says: str

    @property
    def named(self) -> str:
        """What it says, and of which column; the other detectors' sentences name their subject themselves."""
        nameless = self.detector is Detector.FEATURE and self.subject
        return f"{self.subject}: {self.says}" if nameless else self.says


@dataclass(frozen=True)
class Drift:
    """One verdict on the newest window and those before it. findings: the alarming ones first, strongest first.

    power: what could have been seen. limits: why less could be seen than one may think.
    """

    at: float
    since: float
    until: float
    remedy: Remedy
    blocks_retraining: bool
    reasons: tuple[str, ...]
    findings: tuple[Finding, ...]
    power: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()


@dataclass(frozen=True)
class Settings:
    """false_page_every: windows; chance may cause at most one alarm in so many, all detectors together.

    floor: least distance of two distribution functions that matters. rate_floor: least change of a share (nulls,
    unseen). residual_floor: least mean of label - score, in standard deviations of the label. important: share of the
    model's total gain. tolerance: of a replayed score. labels_due: seconds, None to learn it from earlier delays.
    """

    false_page_every: int = 1000
    scales: tuple[int, ...] = (1, 2, 4, 8, 16, 32)
    floor: float = 0.02
    rate_floor: float = 0.01
    residual_floor: float = 0.05
    important: float = 0.05
    tolerance: float = 1e-4
    holdout_age: float = 90 * 86400.0
    labels_due: float | None = None

    def __post_init__(self) -> None:
        if self.false_page_every < 1:
            raise ValueError(f"false_page_every: must be at least 1 window, not {self.false_page_every!r}")
        if list(self.scales) != sorted(set(self.scales)) or self.scales[:1] != (1,):
            raise ValueError(f"scales: must ascend from 1, not {self.scales!r}")

    @property
    def alpha(self) -> float:
        return 1 / self.false_page_every
