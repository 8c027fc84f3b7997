"""A share of a small run, for the tests of what master and workers do with one."""

from sip.share import Share


def a_share(index: int = 0, of: int = 3) -> Share:
    """Part `index` of run `run`."""
    return Share(
        version="1",
        run_id="run",
        folder="/nowhere",
        index=index,
        of=of,
        given={},
        run_time=None,
        trunk="sip:127.0.0.1:5060",
        numbers={"a": "100", "b": "200"},
        access=None,
    )
