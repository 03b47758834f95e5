"""`python -m monitoring baseline|profile|anchors`: see `monitoring.job`."""

import sys

from monitoring import job

if __name__ == "__main__":
    sys.exit(job.main(sys.argv[1:]))
