"""The tables and the bars."""

from collections.abc import Sequence
from dataclasses import dataclass

from bench.drift_quality.holdouts import Held
from bench.drift_quality.in_order import Stream
from bench.drift_quality.measure import Row
from bench.drift_quality.selected import Selected

# Share found and median windows that a prototype reached on changes of about this size.
PROTOTYPE = (("concept weak", 0.99, 1.5), ("label policy", 0.88, 5.5), ("label borderline", 0.98, 2))


@dataclass(frozen=True)
class Bar:
    what: str
    wanted: str
    found: str
    met: bool


def rest(streams: Sequence[Stream], held: Sequence[Held], selected: Sequence[Selected], bars: Sequence[Bar]) -> str:
    lines = [f"{'real streams in order':<34}windows  flagged"] if streams else []
    lines += [f"{s.name:<34}{s.windows:>7}  {s.flagged}\n    {s.first or 'no alarm'}" for s in streams]
    lines += ["", f"{'holdout against recent rows':<34}   runs   alarms    AUC   worth"] if held else []
    lines += [f"{h.what:<34}{h.runs:>7}{h.alarms:>9}{h.auc:>7.2f}{h.effective:>8.0%}" for h in held]
    heads = f"{'labels of other rows':<74}  scores as is   healthy    policy"
    lines += ["", heads] if selected else []
    for s in selected:
        counts = "".join(f"{f'{n} of {s.runs}':>10}" for n in (s.taken, s.healthy, s.policy))
        lines.append(f"{f'{s.model}: {s.labels}':<76}  {counts}")
    lines += ["", *(f"{'met' if b.met else 'MISSED':<7} {b.what}: wanted {b.wanted}, found {b.found}" for b in bars)]
    return "\n".join(lines)


def world(rows: Sequence[Row]) -> str:
    faults = list(dict.fromkeys(row.fault for row in rows if row.fault != "none"))
    by = {(row.rule, row.fault): row for row in rows}
    lines = [f"{rows[0].world}, {rows[0].rows:,} rows a window: share of healthy windows flagged; share of faults found"
             " (median windows until then; named rightly)"]  # fmt: skip
    width = max(map(len, faults), default=0) + 2
    rules = list(dict.fromkeys(row.rule for row in rows))
    for rule in rules:
        healthy = by[rule, "none"]
        lines.append(f"  {rule:<24}healthy {healthy.found:.3f} of {healthy.windows}")
        for fault in faults:
            row = by.get((rule, fault))
            if row:
                named = "" if row.named is None else f"; {row.named:.0%} named"
                lines.append(
                    f"    {fault:<{width}}{row.found:>5.0%} ({'-' if row.delay is None else f'{row.delay:g}'}{named})"
                )
    return "\n".join(lines)


def bars(rows: Sequence[Row], held: Sequence[Held], selected: Sequence[Selected], *, quick: bool) -> list[Bar]:
    mine = [row for row in rows if row.rule == "slipway"]
    healthy = [row for row in mine if row.fault == "none"]
    seen, alarms = sum(row.windows for row in healthy), sum(round(row.found * row.windows) for row in healthy)
    found = [Bar("false alarms", "at most 1 in 1,000 windows", f"{alarms} in {seen:,}", alarms <= max(1, seen / 1000))]
    small = next((r for r in mine if (r.world, r.rows, r.fault) == ("synthetic", 1000, "shift 0.1 sigma")), None)
    if small:
        text = f"{small.delay:g} windows" if small.delay else "not found"
        found.append(Bar(".1 sigma at 1,000 rows", "5,000 rows, median", text, bool(small.delay and small.delay <= 5)))
    for fault, share, delay in PROTOTYPE:
        row = next((r for r in mine if (r.world, r.rows, r.fault) == ("labels", 1000, fault)), None)
        if row:
            met = row.found >= (0.9 if quick else share)
            wanted = f"{share:.0%} (a prototype's median: {delay:g} windows)"
            found.append(Bar(fault, wanted, f"{row.found:.0%} (median {row.delay})", met))
    quiet = next((h for h in held if h.what == "no change"), None)
    if quiet:
        found.append(Bar("holdout, no change", "no alarm", f"{quiet.alarms} of {quiet.runs}", quiet.alarms == 0))
    joint = next((h for h in held if h.what == "correlation only"), None)
    if joint:
        found.append(Bar("holdout, correlation only", "AUC .85", f"{joint.auc:.2f}", joint.alarms == joint.runs))
    if selected:
        wrong, runs = sum(one.healthy for one in selected), sum(one.runs for one in selected)
        found.append(Bar("labels of other rows", "no alarm", f"{wrong} of {runs}", wrong == 0))
    return found
