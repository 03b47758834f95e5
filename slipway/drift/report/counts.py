"""How far to trust the page: what could be seen, what could not, and counts that add up."""

from slipway.drift.profile import Count, Profile
from slipway.drift.report.markup import Html, element, listing, section, short, table
from slipway.drift.report.seen import Seen
from slipway.drift.report.words import count

MOST_REASONS = 10


def trust(seen: Seen) -> Html:
    drift = seen.drift
    return section(
        "power",
        "What could be seen",
        listing(drift.power) if drift.power else element("p", "Nothing: no window has rows."),
        element("h3", "Limits"),
        listing(drift.limits) if drift.limits else element("p", "None known."),
    )


def counts(seen: Seen) -> Html:
    """Records of the newest window and of all: read = accepted + rejected, by reason."""
    if not seen.windows:
        return section("counts", "Counts", element("p", "No window, no records."))
    newest, *_ = sides = [seen.windows[-1].profile], [window.profile for window in seen.windows]
    reasons = sorted({one.reason for one in _rejected(sides[1])}, key=lambda reason: -_of(sides[1], reason))
    shown, rest = reasons[:MOST_REASONS], reasons[MOST_REASONS:]
    rows: list[tuple[object, ...]] = [_row("records read", [sum(p.records for p in side) for side in sides])]
    rows.append(_row("= accepted", [sum(p.accepted for p in side) for side in sides]))
    rows += [_row(f"+ rejected: {short(reason, 80)}", [_of(side, reason) for side in sides]) for reason in shown]
    if rest:
        left = [sum(_of(side, reason) for reason in rest) for side in sides]
        rows.append(_row(f"+ rejected for {len(rest):,} further reasons", left))
    unknown = [sum(p.records - p.accepted for p in side) - sum(c.n for c in _rejected(side)) for side in sides]
    if any(unknown):
        rows.append(_row("+ rejected, reason not kept", unknown))
    rows.append(_row("rows in accepted records", [sum(p.rows for p in side) for side in sides]))
    rows.append(_row("rows scored as positive", [sum(p.positives for p in side) for side in sides]))
    rows.append(_row("surplus columns, over all rows", [sum(p.surplus for p in side) for side in sides]))
    rows.append(("requests the endpoint counted", *(_requests(seen, side is newest) for side in sides)))
    return section("counts", "Counts", table("Records", ("", "newest window", count(len(sides[1]), "window")), rows))


def _row(name: str, numbers: list[int]) -> tuple[object, ...]:
    return (name, *(f"{n:,}" for n in numbers))


def _rejected(side: list[Profile]) -> list[Count]:
    return [one for profile in side for one in profile.rejected]


def _of(side: list[Profile], reason: str) -> int:
    return sum(one.n for one in _rejected(side) if one.reason == reason)


def _requests(seen: Seen, newest: bool) -> str:
    known = [window.requests for window in (seen.windows[-1:] if newest else seen.windows)]
    if any(requests is None for requests in known):
        return "unknown"
    return f"{sum(requests or 0 for requests in known):,}"
