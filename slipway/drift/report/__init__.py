"""The drift report: a verdict and the windows behind it as one HTML page, one file a section."""
