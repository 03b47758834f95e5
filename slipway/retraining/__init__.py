"""Retraining as data: what triggers a run, whether it may begin, and what it did and cost."""
