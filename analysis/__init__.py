"""The reading of a run folder: outcomes, percentiles, survival, comparisons and the verdict."""
