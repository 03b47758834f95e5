"""Answers that are no finite number, among those captured; and whether answers are captured at all."""

from dataclasses import dataclass

from slipway.guardrails.flow import Flow
from slipway.guardrails.opinion import Opinion, rate, weigh
from slipway.minutes import Minute
from slipway.pairsums import PairSums
from slipway.plan import Guardrail
from slipway.stats.proportions import Proportion
from slipway.verdict import Decision

LEAST_CAPTURED = 100  # answers, before none of them being invalid says anything
# Without a new line for so long, capture has stopped: at a capture of 1 %, 500 requests leave none once in 150 times.
STOPPED_MINUTES, STOPPED_REQUESTS = 15, 500
# Minutes of a step, lines expected of the candidate and lines seen of the baseline before the variants' captured shares
# are compared: files come minutes after their answers, those of one variant before the other's, and a bake begins with
# a baseline's last requests.
LEAST_MINUTES, LEAST_EXPECTED, LEAST_SEEN = 10, 200, 100


@dataclass(frozen=True)
class Capture:
    """lines: of the candidate, captured as of the last look; since then without a new one: minutes with candidate
    requests, and these requests."""

    lines: int = 0
    minutes: int = 0
    requests: int = 0

    def fold(self, minute: Minute) -> "Capture":
        requests = minute.candidate.requests
        return Capture(self.lines, self.minutes + bool(requests), self.requests + requests)

    def look(self, lines: int) -> "Capture":
        return Capture(lines) if lines > self.lines else self


def opinion(seen: PairSums, rule: Guardrail, alpha: float) -> Opinion:
    """Against the tolerated share, or twice the baseline's if that is more: its callers live with it already."""
    b, c = seen.baseline, seen.candidate
    candidate, baseline = rate(c.invalid, c.captured), rate(b.invalid, b.captured)
    tolerated = min(max(rule.tolerance, 2 * baseline, 1e-6), 0.5)
    harm = Proportion(tolerated, above=True, hits=c.invalid, n=c.captured).result(alpha=alpha).log_e or 0.0
    safe = float("inf") if candidate <= tolerated and c.captured >= LEAST_CAPTURED else 0.0
    says = (
        f"{c.invalid:,} of {c.captured:,} captured answers are no finite number, baseline "
        f"{b.invalid:,} of {b.captured:,}, tolerated {tolerated:.2%}"
    )
    enough = c.invalid >= rule.minimum
    return weigh(rule, alpha, says, candidate=candidate, baseline=baseline, harm=harm, safe=safe, enough=enough)


def coverage(seen: Capture, flow: Flow, step: PairSums) -> Opinion:
    """Whether what was captured stands for what was asked. flow, step: of the step."""
    if seen.minutes >= STOPPED_MINUTES and seen.requests >= STOPPED_REQUESTS:
        says = (
            f"capture has stopped: {seen.requests:,} candidate requests in {seen.minutes} minutes without a captured "
            "line; see slipway-pair's log and the endpoint's DataCaptureConfig"
        )
        return Opinion(Decision.INVALID, says)
    expected = rate(step.baseline.lines, flow.baseline_requests) * flow.requests
    enough = expected >= LEAST_EXPECTED and step.baseline.lines >= LEAST_SEEN
    comparable = enough and flow.minutes >= LEAST_MINUTES
    if comparable and step.candidate.lines < expected / 2:
        says = (
            f"captured are {step.candidate.lines:,} of {flow.requests:,} candidate requests, but "
            f"{step.baseline.lines:,} of {flow.baseline_requests:,} of the baseline's: the rest went unseen"
        )
        return Opinion(Decision.INVALID, says)
    return Opinion(Decision.NON_INFERIOR, "answers are captured")
