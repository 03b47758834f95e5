"""Serving code with one mistake each, of the kind that passes review.

A file goes into an artifact as `code/serve.py`, beside the untouched `code/trained_serve.py` it builds on.
"""
