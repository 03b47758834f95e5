"""How near do the sequential tests come to the information limit, and what does peeking cost them?

Errors: 5 % of requests go to the candidate, the baseline fails 0.5 % of the time, alpha is .05, every request is a
look. Delay is the mean number of candidate requests (or pairs) at detection; the limit is ln(1/alpha) / KL, which no
test that holds alpha beats on average. Type I is P(ever rejects) over 2,600 errors: exact by dynamic programme
where evidence depends on the counts alone, else simulated (with its standard error).
"""

import argparse
import json
import math
import platform
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from slipway import codec
from slipway.stats import fixed, means
from slipway.stats.mixture import Mixture
from slipway.stats.paired import LOG_LOSS_BOUND, Bets, log_loss, paired_bets
from slipway.stats.rates import LATE_PER_ERROR, LATE_SHARE, WORSE, Cell, RateRatio, log_factors

ALPHA, BASE = 0.05, 0.005
BLOCK = 20  # requests, one of them the candidate's: the share is exactly 5 %
RATES = (0.01, 0.02, 0.05)
HORIZON = 2600  # errors
LOSS_RISES = (0.01, 0.02, 0.05)
BAR = {0.01: 1.5, 0.02: 1.5, 0.05: 1.75}
PAIRED_BAR = 1.2
ONE_CANDIDATE, ONE_BASELINE = Cell(1, 1, 0, BLOCK - 1), Cell(0, 1, 1, BLOCK - 1)
