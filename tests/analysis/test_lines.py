"""JSON Lines in pieces."""

import msgspec
import pytest

from analysis.lines import Lines

NUMBER = msgspec.json.Decoder(int)


@pytest.mark.parametrize("blocks", [[b"1\n2\n", b"3\n"], [b"1\n2\n3\n"], [b"1\n", b"", b"2\n3\n"]])
def test_lines_are_the_same_however_the_file_was_cut_into_blocks(blocks: list[bytes]) -> None:
    """A block holds whole lines, any number of them."""
    assert list(Lines(blocks, NUMBER)) == [1, 2, 3]


def test_what_cannot_be_read_is_counted() -> None:
    """No JSON, another type than was asked for, nothing at all, and what follows the last newline."""
    lines = Lines([b'1\n{"a\n"two"\n', b"4\n\n", b"5\n6"], NUMBER)
    assert (list(lines), lines.cut) == ([1, 4, 5], 4)


def test_a_line_that_joins_one_that_was_cut_is_lost_with_it() -> None:
    """A kill may cost the newline alone; what a line says is then not to be trusted."""
    lines = Lines([b"1\n2 3\n"], NUMBER)
    assert (list(lines), lines.cut) == ([1], 1)


def test_another_kind_of_line_is_taken_apart_and_not_counted() -> None:
    """As the first and last line of a calls file are."""
    others = []
    text = msgspec.json.Decoder(str).decode
    lines = Lines([b'"head"\n1\nnothing\n'], NUMBER, lambda line: others.append(text(line)))
    assert (list(lines), others, lines.cut) == ([1], ["head"], 1)
