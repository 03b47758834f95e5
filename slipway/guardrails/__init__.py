"""One file a guardrail: what it keeps of each minute, and its opinion on the candidate."""
