"""Captured traffic and late labels of a release in shadow and then in a canary, and what a plain join makes of them."""

import json
import math
import random
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from lambdas.aws import ledger
from lambdas.aws.clients import client
from slipway import release as rel
from slipway.release import Release
from tests.lambdas.world import BUCKET, START, World

SHADOW_AT, CANARY_AT, PLACED_AT = START + 60, START + 240, START + 260
NOW = START + 600


@dataclass(frozen=True)
class Request:
    """answers: what each variant that was asked answered; label: None if the truth never came."""

    id: str
    at: float
    answers: dict[str, str]
    label: int | None
    delay: float


def in_canary(world: World) -> Release:
    """A release that was in shadow from SHADOW_AT to CANARY_AT, and is in its canary since PLACED_AT."""
    known = ledger.write(rel.in_place(rel.advance(world.release(), START, "test"), SHADOW_AT))
    known = ledger.write(rel.in_place(rel.advance(known, CANARY_AT, "test"), PLACED_AT))
    world.clock.at = NOW
    return known


def requests(seed: int, count: int) -> list[Request]:
    """From before the shadow to after the canary's begin; some get no number, some no label, some lose an answer."""
    rng = random.Random(seed)
    made = []
    for number in range(count):
        at = START + rng.randrange(0, 480)
        label = int(rng.random() < 0.3)
        answers = {"baseline": _answer(rng, label), "candidate": _answer(rng, label)}
        if at >= CANARY_AT or rng.random() < 0.1:
            del answers[rng.choice(("baseline", "candidate"))]
        known = label if rng.random() < 0.6 else None
        made.append(Request(f"r{seed}-{number}", at, answers, known, rng.choice((30, 7000, 400_000))))
    return made


def _answer(rng: random.Random, label: int) -> str:
    if rng.random() < 0.05:
        return rng.choice(("nan", "", "7.5"))
    return f"{min(1.0, max(0.0, 0.2 + 0.4 * label + rng.gauss(0, 0.15)))}"


def captured(request: Request, role: str) -> str:
    output = {"observedContentType": "text/csv", "mode": "OUTPUT", "data": request.answers[role], "encoding": "CSV"}
    metadata = {"eventId": f"{role}-{request.id}", "inferenceId": request.id, "inferenceTime": _iso(request.at)}
    return json.dumps({"captureData": {"endpointOutput": output}, "eventMetadata": metadata, "eventVersion": "0"})


def labelled(id: str, label: object) -> str:
    truth = {"data": str(label), "encoding": "CSV"}
    return json.dumps({"groundTruthData": truth, "eventMetadata": {"eventId": id}, "eventVersion": "0"})


def objects(made: list[Request], seconds: int = 60) -> dict[str, list[str]]:
    """Keys and lines: a capture object a variant and so many seconds, a ground-truth object an hour."""
    files: dict[str, list[str]] = defaultdict(list)
    for request in made:
        for role in request.answers:
            files[f"capture/fraud/{role}/{_path(request.at // seconds * seconds)}"].append(captured(request, role))
        if request.label is not None:
            collected = (request.at + request.delay) // 3600 * 3600
            files[f"ground-truth/fraud/{_path(collected)}"].append(labelled(request.id, request.label))
    return files


def upload(files: dict[str, list[str]]) -> list[dict[str, Any]]:
    """Puts the objects into the bucket; the events it would send."""
    for key, lines in files.items():
        client("s3").put_object(Bucket=BUCKET, Key=key, Body="\n".join(lines).encode())
    return [event(key) for key in files]


def event(key: str) -> dict[str, Any]:
    return {"source": "aws.s3", "detail-type": "Object Created", "detail": {"object": {"key": key}}}


def joined(made: list[Request], threshold: float) -> dict[int, dict[str, float]]:
    """Sums per step, by one loop over all requests."""
    sums: dict[int, dict[str, float]] = {0: defaultdict(float), 1: defaultdict(float)}
    for request in made:
        if SHADOW_AT <= request.at < CANARY_AT:
            _pair(sums[0], request, threshold)
        elif request.at >= PLACED_AT:
            _single(sums[1], request)
    return {step: {name: value for name, value in of.items() if value} for step, of in sums.items()}


def _pair(sums: dict[str, float], request: Request, threshold: float) -> None:
    if len(request.answers) < 2:
        return
    b, c = (_score(request.answers[role]) for role in ("baseline", "candidate"))
    sums["pairs"] += 1
    sums["baseline_invalid"] += b is None
    sums["candidate_invalid"] += c is None
    if b is None or c is None:
        sums["unscored"] += request.label is not None
        return
    sums["changed"] += (b >= threshold) != (c >= threshold)
    sums["shift.total"] += c - b
    if request.label is not None:
        difference = loss(c, request.label) - loss(b, request.label)
        sums["positives"] += request.label
        sums["log_loss.n"] += 1
        sums["log_loss.total"] += difference
        sums["log_loss.squares"] += difference**2
        sums["brier.total"] += (c - request.label) ** 2 - (b - request.label) ** 2


def _single(sums: dict[str, float], request: Request) -> None:
    if request.label is None:
        return
    ((role, answer),) = request.answers.items()
    score = _score(answer)
    if score is None:
        sums[f"{role}.unscored"] += 1
        return
    sums[f"{role}.positives"] += request.label
    sums[f"{role}.log_loss.n"] += 1
    sums[f"{role}.log_loss.total"] += loss(score, request.label)
    sums[f"{role}.brier.total"] += (score - request.label) ** 2


def loss(score: float, label: int) -> float:
    cut = min(max(score, 0.01), 0.99)
    return -math.log(cut if label else 1 - cut)


def _score(answer: str) -> float | None:
    return float(answer) if answer not in ("nan", "", "7.5") else None


def _path(at: float) -> str:
    moment = datetime.fromtimestamp(at, UTC)
    return f"{moment:%Y/%m/%d/%H/%M-%S}-000-x.jsonl"


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
