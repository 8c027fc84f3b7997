"""Files that grow on two hosts."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from sip.copies import PIECE_BYTES, Copy, Piece, Sending


def test_what_is_new_is_sent_once_in_pieces(tmp_path: Path) -> None:
    """Each look sends what was added since the last; a large addition goes in several messages."""
    file = tmp_path / "calls-0.jsonl"
    file.write_bytes(b"a\n")
    sending = Sending([file])
    assert list(sending.pieces()) == [Piece("calls-0.jsonl", 0, b"a\n")]
    assert list(sending.pieces()) == []

    file.write_bytes(b"a\n" + b"b" * (PIECE_BYTES + 1))

    assert [(piece.offset, len(piece.data)) for piece in sending.pieces()] == [
        (2, PIECE_BYTES),
        (2 + PIECE_BYTES, 1),
    ]
    assert sending.sizes() == {"calls-0.jsonl": PIECE_BYTES + 3}


@given(st.lists(st.binary(min_size=1, max_size=20), min_size=1, max_size=12), st.data())
def test_a_copy_is_whole_whatever_is_lost_or_comes_twice(
    tmp_path_factory: object, additions: list[bytes], data: st.DataObject
) -> None:
    """A piece that does not fit is told from where on something is missing, and that is sent again."""
    folder = Path(tmp_path_factory.mktemp("copies"))  # type: ignore[attr-defined]
    file = folder / "there"
    file.touch()
    sending, copy = Sending([file]), Copy(folder / "here")
    for addition in additions:
        with file.open("ab") as grown:
            grown.write(addition)
        for piece in sending.pieces():
            for _ in range(data.draw(st.integers(0, 2), "arrives so often")):
                if not copy.take(Piece.of(piece.message())):
                    sending.again(piece.name, copy.size)
    sending.again("there", copy.size)
    for piece in sending.pieces():
        assert copy.take(piece)
    copy.close()
    copy.close()

    assert copy.size == sending.sizes()["there"]
    assert copy.path.read_bytes() == file.read_bytes() == b"".join(additions)
