"""Drift: five failure modes, one file each, judged from sums over windows of traffic."""
