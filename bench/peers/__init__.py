"""Other tools' rules for rolling a canary back, after their documentation, on the same simulated minutes.

None of them has an opinion on how long a step lasts: one that did not roll back advances at the end of the horizon.
Where the tool leaves a choice, the one that spares innocent candidates is taken (a minute without data is no failure).
"""
