"""Statistics for release decisions: sequential first, pure, standard library only.

State objects are frozen dataclasses of plain numbers that merge with `+`; answers are a `Result`. The rooms:
rates (errors), exceedance (latency), paired (losses), proportions, means, srm (traffic split), selective and adjusted
(partial labels), fixed (one look, planning), bandit, multiple, change.
"""
