"""Runs beside runs: what differs, what would score better, what is the most that a stage could give.

1. ``differences``: two runs of the same cameras, in settings, scores and vehicles (``mtmc compare``).
2. ``tuning``: parameters chosen on one half of the time, judged on the other (``mtmc tune``).
3. ``ceilings``: later stages run again from the truth of the earlier ones (``mtmc score --explain``).
"""
