"""What keeps a benchmark from measuring."""


class BenchmarkError(Exception):
    """One sentence: what could not be measured, and where to look."""
