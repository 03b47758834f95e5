"""What is left of a demo: `summary.json` for machines, `report.html` for people."""

import html
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sandbox.demo import chart
from sandbox.demo.watch import Told

_STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1b1f24}
table{border-collapse:collapse;width:100%;margin:1rem 0}
td,th{border-bottom:1px solid #d0d7de;padding:.4rem;text-align:left}
.PROMOTED{color:#1a7f37}.ROLLED_BACK{color:#cf222e}.bar{background:#d0d7de;height:.8rem;width:8rem}
.bar i{display:block;background:#0969da;height:100%}small{color:#57606a}
"""


def summary(told: list[Told], wall_s: float, peak_rss_mib: float, speed: float) -> dict[str, Any]:
    """The machine-readable end of a demo. Times of phases are ISO 8601 on the sandbox's clock."""
    return {
        "wall_s": round(wall_s, 1),
        "peak_rss_mib": round(peak_rss_mib),
        "speed": speed,
        "stories": [_story(story) for story in told],
    }


def write(directory: Path, result: dict[str, Any], messages: list[dict[str, Any]]) -> Path:
    """Writes both files; returns the path of the page."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "summary.json").write_text(json.dumps(result, indent=2) + "\n")
    page = directory / "report.html"
    page.write_text(_page(result, messages))
    return page


def _story(story: Told) -> dict[str, Any]:
    last, zero = story.last_candidate_request_at, story.zero_at
    return {
        "name": story.name,
        "outcome": story.outcome,
        "expected": story.expected,
        "phases": [
            {"phase": v.phase, "weight": v.weight, "entered_at": _iso(v.entered_at), "requests": v.requests}
            for v in story.visits
        ],
        "reason": story.reason,
        "decided_by": story.decided_by or "judge",
        "candidate_requests_exposed": story.exposed,
        "alarm_to_zero_weight_s": None if story.decision_to_zero_s is None else round(story.decision_to_zero_s, 1),
        "last_candidate_request_after_zero_s": round(last - zero, 1) if last and zero else None,
        "requests_lost": story.lost,
        "wall_s": round(story.wall_s, 1),
        "lifts": story.lifts,
        "legs": story.legs,
    }


def _iso(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds")


def _page(result: dict[str, Any], messages: list[dict[str, Any]]) -> str:
    stories = "".join(map(_section, result["stories"]))
    told = "".join(
        f"<details><summary>{html.escape(str(m.get('subject')))}</summary><pre>{html.escape(str(m.get('body')))}</pre></details>"
        for m in messages
    )
    return (
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>"
        f"<title>Slipway demo</title><style>{_STYLE}</style><h1>Slipway demo</h1>"
        f"<p>{len(result['stories'])} stories in {result['wall_s']} s, peak memory {result['peak_rss_mib']} MiB; "
        f"the sandbox's clock ran {result['speed']:g} times faster than this machine's.</p>"
        f"{stories}<h2>Notifications</h2>{told}</html>\n"
    )


def _section(story: dict[str, Any]) -> str:
    rows = "".join(
        f"<tr><td>{p['phase']}<td><div class=bar><i style='width:{p['weight']}%'></i></div><td>{p['weight']:g} %"
        f"<td>{p['entered_at']}<td>{p['requests']:,}"
        for p in story["phases"]
    )
    speed = story["alarm_to_zero_weight_s"]
    return (
        f"<h2>{html.escape(story['name'])}: <span class={story['outcome']}>{story['outcome']}</span> "
        f"<small>expected {story['expected']}</small></h2><p>{html.escape(story['reason'])}</p>"
        f"<p>{story['candidate_requests_exposed']:,} users' requests went to the candidate, {story['requests_lost']:,} "
        f"were lost; decided by {html.escape(story['decided_by'])}"
        + (f", weight 0 after {speed} s on the release's clock" if speed is not None else "")
        + "</p><table><tr><th>phase<th><th>weight<th>entered<th>candidate requests</tr>"
        f"{rows}</table>{_legs(story['legs'])}{_lifts(story['lifts'])}"
    )


def _legs(legs: list[dict[str, Any]]) -> str:
    """Of a loop; "" of other stories."""
    rows = "".join(
        f"<tr><td>{leg['minutes']:.1f} min<td>{leg['real_s']:.0f} s<td>{html.escape(leg['leg'])}" for leg in legs
    )
    return f"<table><tr><th>sandbox's clock<th>this machine's<th>leg</tr>{rows}</table>" if legs else ""


def _lifts(lifts: list[dict[str, Any]]) -> str:
    """A drawing for each outcome of an A/B test."""
    by_outcome = {lift["outcome"]: [one for one in lifts if one["outcome"] == lift["outcome"]] for lift in lifts}
    return "".join(f"<p>{chart.lift(points)}</p>" for points in by_outcome.values())
