"""Facts about `python -m rooms` and what it says."""

import asyncio

import pytest

from lab.server import LiveKitServer
from rooms.__main__ import main
from rooms.deployment import Deployment
from rooms.provision import Route, provisioned

RUN = "20260102T030405Z-abcdef"


@pytest.fixture
def deployment(server: LiveKitServer, monkeypatch: pytest.MonkeyPatch) -> Deployment:
    """The server, named by the environment."""
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    return Deployment(server.url, server.credentials.key, server.credentials.secret)


@pytest.mark.system
def test_cleaning_lists_on_request_and_says_what_it_removed(
    deployment: Deployment, capsys: pytest.CaptureFixture[str]
) -> None:
    """A second time there is nothing left, which is no error."""

    async def leave_something() -> None:
        """As a run that is killed does: enter, and never come out."""
        async with deployment.client() as livekit:
            await provisioned(livekit, RUN, [Route("new", "+15550100001", "agent")]).__aenter__()

    asyncio.run(leave_something())
    names = (f"rule ringtime-{RUN}-new", f"trunk ringtime-{RUN}-new")

    said = []
    for arguments in (["--dry-run"], ["--run", "20260102T030405Z-abcdee"], ["--run", RUN], []):
        assert main(["clean", *arguments]) == 0
        said.append(capsys.readouterr().out.splitlines())

    assert said == [
        [f"would remove {name}" for name in names],
        ["nothing to remove"],
        [f"removed {name}" for name in names],
        ["nothing to remove"],
    ]


@pytest.mark.system
@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("LIVEKIT_API_SECRET", "x" * 40, "does not accept the credentials: see that LIVEKIT_API_KEY and"),
        ("LIVEKIT_API_KEY", "APInobody", "does not accept the credentials: see that LIVEKIT_API_KEY and"),
        ("LIVEKIT_URL", "ws://127.0.0.1:1", "nothing listens at ws://127.0.0.1:1 ("),
        ("LIVEKIT_URL", "wss://nowhere.invalid", "wss://nowhere.invalid cannot be asked: its host does not"),
        ("LIVEKIT_URL", "my-project", "LIVEKIT_URL cannot be 'my-project': give a URL such as wss://"),
    ],
)
def test_a_deployment_that_cannot_be_asked_is_told_in_a_sentence(
    deployment: Deployment,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    variable: str,
    value: str,
    said: str,
) -> None:
    """What happened, where, and what to look at; never a secret."""
    monkeypatch.setenv(variable, value)

    code = main(["clean"])

    printed = capsys.readouterr()
    assert code == 1
    assert said in printed.err
    assert printed.err.count("\n") == 1
    assert "APInobody" not in printed.err
    assert deployment.secret not in printed.err


def test_missing_credentials_are_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """All at once."""
    for name in ("LIVEKIT_URL", "LIVEKIT_API_KEY", "LIVEKIT_API_SECRET"):
        monkeypatch.delenv(name, raising=False)

    assert main(["clean"]) == 1
    assert "LIVEKIT_URL and LIVEKIT_API_KEY and LIVEKIT_API_SECRET must be set" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["clean", "--run", "r1"], "'r1' is no run's id"),
        (["attend", "--route", "new=+15550100001"], "not of the form ARM=NUMBER=AGENT"),
        (["attend", "--route", "New=+15550100001=agent"], "not of the form ARM=NUMBER=AGENT"),
    ],
)
def test_a_wrong_command_line_is_refused(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2, with the value and what would do."""
    with pytest.raises(SystemExit) as refusal:
        main(arguments)

    assert refusal.value.code == 2
    assert said in capsys.readouterr().err
