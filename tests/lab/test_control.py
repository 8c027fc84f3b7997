"""A question and its answer, over a socket in a folder."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from lab.control import answering, ask


async def echo(question: Mapping[str, Any]) -> Mapping[str, Any]:
    """Answer with the question."""
    return {"asked": question}


def test_a_question_is_answered_however_deep_its_folder_is(tmp_path: Path) -> None:
    """A path longer than the 107 bytes of a socket's address does."""
    folder = tmp_path / ("x" * 120)
    folder.mkdir()

    async def exchange() -> Mapping[str, Any]:
        async with answering(folder / "control.sock", echo):
            return await ask(folder / "control.sock", {"set_up": "room"})

    assert asyncio.run(exchange()) == {"asked": {"set_up": "room"}}


def test_a_socket_is_there_only_while_it_is_answered_and_only_for_its_owner(tmp_path: Path) -> None:
    """One that a killed process left is taken over."""
    path = tmp_path / "control.sock"
    path.touch()

    async def mode() -> int:
        async with answering(path, echo):
            return path.stat().st_mode & 0o777

    assert asyncio.run(mode()) == 0o600
    assert not path.exists()


def test_a_question_that_is_none_gets_no_answer_and_disturbs_no_other(tmp_path: Path) -> None:
    """Whoever sends garbage sees the connection end."""
    path = tmp_path / "control.sock"

    async def exchange() -> tuple[bytes, Mapping[str, Any]]:
        async with answering(path, echo):
            reader, writer = await asyncio.open_unix_connection(path)
            writer.write(b"garbage\n")
            got = await reader.read()
            writer.close()
            return got, await ask(path, {})

    assert asyncio.run(exchange()) == (b"", {"asked": {}})


def test_where_nobody_answers_the_question_fails(tmp_path: Path) -> None:
    """A lab that is down leaves no socket."""
    with pytest.raises(OSError, match="No such file"):
        asyncio.run(ask(tmp_path / "control.sock", {}))
