"""Scales scores by the band of the amount; amounts beyond the last band were not thought of."""

import numpy as np
import trained_serve
from trained_serve import input_fn, model_fn, output_fn

__all__ = ["input_fn", "model_fn", "output_fn", "predict_fn"]

WIDTH = 50.0
FACTORS = np.array([1.0, 1.0, 1.01, 1.02], dtype=np.float32)


def predict_fn(data, model):
    bands = (data[:, -1] // WIDTH).astype(int)
    return np.minimum(trained_serve.predict_fn(data, model) * FACTORS[bands], 1.0)
