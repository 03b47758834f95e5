"""Endpoints through the API, against a data plane that writes down what it is told."""

import datetime
import time

import pytest

from tests.sagemaker.conftest import REGION, ACCOUNT, IMAGE, BUCKET, refused, until
