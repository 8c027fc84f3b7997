"""Which names of a certificate are a trunk's."""

import pytest

from sip.tls import is_named


@pytest.mark.parametrize(
    ("host", "names"),
    [
        ("trunk.example.net", ["other.example.net", "trunk.example.net"]),
        ("Trunk.Example.net", ["trunk.example.NET"]),
        ("my-project.sip.livekit.cloud", ["*.sip.livekit.cloud"]),
        ("127.0.0.1", ["localhost", "127.0.0.1"]),
    ],
)
def test_a_trunk_has_the_name_that_is_called(host: str, names: list[str]) -> None:
    """In any case of letters, by its address, or as any of those that a `*` stands for."""
    assert is_named(host, names)


@pytest.mark.parametrize(
    ("host", "names"),
    [
        ("trunk.example.net", []),
        ("trunk.example.net", ["trunk.example.net.evil.example"]),
        ("a.b.example.net", ["*.example.net"]),
        ("example.net", ["*.example.net", "*.net", "*"]),
        ("127.0.0.1", ["*.0.0.1"]),
        ("trunk.example.net", ["t*.example.net"]),
    ],
)
def test_a_stranger_has_not(host: str, names: list[str]) -> None:
    """A `*` is one whole label at the start, below two others, and of no address."""
    assert not is_named(host, names)
