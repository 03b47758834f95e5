"""Waits for a feature store on every request and then leaves its answer unused."""

import time

import trained_serve
from trained_serve import input_fn, model_fn, output_fn

__all__ = ["input_fn", "model_fn", "output_fn", "predict_fn"]

LOOK_UP = 0.03  # seconds


def predict_fn(data, model):
    time.sleep(LOOK_UP)
    return trained_serve.predict_fn(data, model)
