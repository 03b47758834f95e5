"""Takes a connection from a pool for every request and never gives one back."""

import trained_serve
from trained_serve import input_fn, model_fn, output_fn

__all__ = ["input_fn", "model_fn", "output_fn", "predict_fn"]

POOL = list(range(2000))


def predict_fn(data, model):
    POOL.pop()
    return trained_serve.predict_fn(data, model)
