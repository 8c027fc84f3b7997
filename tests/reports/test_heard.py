"""The report's section on what callers heard: shown where they listened, and the remedy of what was wrong."""

from collections.abc import Callable
from pathlib import Path

from reports.__main__ import main
from reports.glossary import glossary_of
from reports.reading import read

WriteRun = Callable[..., Path]
SILENT = {"heard": {"waiting_s": 6.0, "last_audible_s": None}}


def test_what_was_heard_is_told_of_only_where_somebody_listened(write_run: WriteRun) -> None:
    """Section, table, words and series; not one of them in an older run's report."""
    folder, older = write_run(calls=20, heard={}), write_run(calls=20)
    main([str(folder), "--no-html"])
    main([str(older), "--no-html"])
    reading, nothing = read(folder), read(older)

    section = str(reading.heard())
    assert "no phrase was left without an answer" in section
    assert "0.4" in section
    assert nothing.heard() is None
    assert "went silent" in glossary_of(reading.run)
    assert "went silent" not in glossary_of(nothing.run)
    assert "| listened to |" in (folder / "summary.md").read_text()
    assert "| listened to |" not in (older / "summary.md").read_text()
    assert "ringtime_response_seconds{" in (folder / "metrics.prom").read_text()
    assert "ringtime_response" not in (older / "metrics.prom").read_text()


def test_an_agent_that_went_silent_is_named_with_what_to_do(write_run: WriteRun) -> None:
    """On the first screen, in the section and among the worst calls."""
    reading = read(write_run(calls=20, stalled_share=0.0, heard=dict.fromkeys(range(8, 12), SILENT)))

    verdict = reading.verdict().html
    assert "went silent (" in verdict
    assert "Agents went silent in mid-call" in verdict
    assert "after the agent had left" in str(reading.heard())
    assert "<td>went silent</td>" in str(reading.worst())


def test_a_recording_is_linked_from_the_call_that_it_is_of(write_run: WriteRun) -> None:
    """Relative to the run's folder, where the report lies; without one there is no such column."""
    kept = {n: {"record": {"recording": f"recordings/call-0000{n}.wav"}} for n in (8, 9)}
    folder = write_run(calls=20, stalled_share=0.0, heard=kept)
    (folder / "recordings").mkdir()
    (folder / "recordings" / "call-00008.wav").touch()

    page = str(read(folder).worst())
    assert '<a href="recordings/call-00008.wav">' in page
    assert "call-00009.wav" not in page  # outdone by a later call, and removed
    assert "recording" not in str(read(write_run(calls=20, heard={})).worst()).lower()
