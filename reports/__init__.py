"""Reports for people and machines, built from a run folder."""
