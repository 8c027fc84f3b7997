"""Options are declared once and refused, with their name and value, before anything starts."""

import argparse
import re
from collections.abc import Mapping
from typing import Any

import pytest

from sip import declared, options
from sip.arms import ArmChoice
from sip.errors import UsageError
from sip.options import Options

PASSWORD = "a-digest-password"  # noqa: S105 - of nobody


class Parser(argparse.ArgumentParser):
    """argparse with the one extension that Locust's parser brings."""

    def add_argument(self, *names: str, env_var: str = "", **settings: Any) -> argparse.Action:  # type: ignore[override]
        """Declare an option; its environment variable must be its own."""
        assert env_var == "RINGTIME_" + names[0].removeprefix("--").upper().replace("-", "_")
        return super().add_argument(*names, **settings)


DEPLOYMENT = {
    "LIVEKIT_URL": "ws://127.0.0.1:1",
    "LIVEKIT_API_KEY": "APInobody",
    "LIVEKIT_API_SECRET": "the-secret-of-nobody",
}


def read(*words: str, run_time: object = None, environment: Mapping[str, str] | None = None) -> Options:
    """What a command line comes to."""
    parser = Parser(prog="locust", add_help=False)
    declared.declare(parser)
    given = parser.parse_args(words)
    given.run_time = run_time
    return options.read(given, environment or {})


def test_without_options_the_lab_is_called_under_both_arms() -> None:
    """The documented defaults."""
    chosen = read()

    assert chosen.uses_lab
    assert chosen.arms == (ArmChoice("unbounded", "unbounded", None), ArmChoice("bounded", "bounded", None))
    assert chosen.candidate == "bounded"
    assert (chosen.calls, chosen.calls_per_second, chosen.arrivals, chosen.warm_up) == (
        200,
        1.0,
        "poisson",
        2,
    )
    assert (chosen.hold_s, chosen.ring_timeout_s, chosen.setup_timeout_s) == (5.0, 60.0, 32.0)
    assert (chosen.bound_s, chosen.stop_after_failures, chosen.network.labels) == (5.0, 50, ("clean",))
    assert chosen.max_concurrent is None
    assert chosen.gates == ()
    assert chosen.duration_s is None


def test_a_seed_is_drawn_where_none_is_given() -> None:
    """Two runs differ, and each can be repeated from what it recorded."""
    assert read("--seed", "7").seed == 7
    assert read().seed != read().seed


def test_an_a_a_run_names_one_kind_twice() -> None:
    """Names tell the arms apart, kinds need not."""
    assert read("--arms", "a=bounded,b=bounded").arms == (
        ArmChoice("a", "bounded", None),
        ArmChoice("b", "bounded", None),
    )


def test_a_trunk_of_one_s_own_is_called_by_its_numbers() -> None:
    """Each arm is a number; a bare one is the arm `default`."""
    chosen = read("--trunk", "sip:127.0.0.1:5060", "--numbers", "old=+15550100001,new=+15550100002")
    lone = read("--trunk", "sip:127.0.0.1", "--numbers", "+15550100001")

    assert not chosen.uses_lab
    assert [(arm.name, arm.kind, arm.number) for arm in chosen.arms] == [
        ("old", "remote", "+15550100001"),
        ("new", "remote", "+15550100002"),
    ]
    assert [(arm.name, arm.number) for arm in lone.arms] == [("default", "+15550100001")]


def test_agents_of_a_deployment_are_arms_with_numbers_of_their_own() -> None:
    """Given, or drawn by the seed from those set aside for fiction; a bare agent is `default`."""
    trunk = ("--trunk", "sip:127.0.0.1", "--agents")
    given = read(*trunk, "old=agent-1,new=agent=2", "--numbers", "old=+1,new=+2", environment=DEPLOYMENT)
    drawn = read(*trunk, "old=agent-1,new=agent-2", "--seed", "1", environment=DEPLOYMENT)
    other = read(*trunk, "mine", "--seed", "2", environment=DEPLOYMENT)

    assert given.arms == (
        ArmChoice("old", "remote", "+1", "agent-1"),
        ArmChoice("new", "remote", "+2", "agent=2"),
    )
    assert given.provisions
    assert [(arm.name, arm.agent) for arm in other.arms] == [("default", "mine")]
    numbers = [arm.number for arm in (*drawn.arms, *other.arms)]
    assert len(set(numbers)) == 3
    assert all(re.fullmatch(r"\+1555010\d{4}", str(number)) for number in numbers)


def test_rooms_are_watched_by_what_can_reach_the_tester() -> None:
    """Webhooks in the lab, asking where a deployment is named, else nothing; and what was asked for."""
    numbers = ("--trunk", "sip:127.0.0.1", "--numbers", "+1")

    assert read().observe == "webhook"
    assert read("--observe", "poll").observe == "poll"
    assert read(environment=DEPLOYMENT).observe == "webhook"
    assert read(*numbers).observe == "off"
    assert read(*numbers, environment=DEPLOYMENT).observe == "poll"
    assert read(*numbers, "--observe", "off", environment=DEPLOYMENT).observe == "off"


@pytest.mark.parametrize(
    ("words", "option", "remedy"),
    [
        (["--agents", "a=x"], "--agents", "it goes with --trunk"),
        (
            ["--agents", "a=x", "--trunk", "sip:127.0.0.1", "--numbers", "b=+1"],
            "--numbers",
            "in the same order",
        ),
        (["--agents", "a=x", "--trunk", "sip:127.0.0.1", "--arms", "b"], "--arms", "those of --agents"),
        (["--agents", "a=x,b", "--trunk", "sip:127.0.0.1"], "--agents", "b=my-agent"),
        (["--observe", "webhook", "--trunk", "sip:127.0.0.1", "--numbers", "+1"], "--observe", "poll or off"),
    ],
)
def test_what_cannot_be_with_a_deployment_is_refused(words: list[str], option: str, remedy: str) -> None:
    """Before anything is asked of it."""
    with pytest.raises(UsageError, match=f"^{option} cannot be .*{remedy}"):
        read(*words, environment=DEPLOYMENT)


@pytest.mark.parametrize("words", [["--agents", "a=x"], ["--observe", "poll", "--numbers", "+1"]])
def test_a_deployment_has_to_be_named_to_be_asked(words: list[str]) -> None:
    """The missing variables are named, all at once."""
    with pytest.raises(UsageError, match="set LIVEKIT_URL and LIVEKIT_API_SECRET in the environment"):
        read("--trunk", "sip:127.0.0.1", *words, environment={"LIVEKIT_API_KEY": "APInobody"})


def test_digest_credentials_come_from_option_and_environment() -> None:
    """The password is never an option, so no process list or record shows it."""
    environment = {"RINGTIME_SIP_PASSWORD": PASSWORD}
    chosen = read("--trunk", "sip:127.0.0.1", "--numbers", "+1", "--sip-user", "me", environment=environment)

    assert chosen.trunk is not None
    assert (chosen.trunk.user, chosen.trunk.password) == ("me", PASSWORD)
    assert PASSWORD not in repr(chosen)


@pytest.mark.parametrize(
    ("given", "seconds"), [(90, 90.0), ("5m", 300.0), ("1h30m", 5400.0), ("20", 20.0), (None, None)]
)
def test_the_run_time_is_locust_s_own(given: object, seconds: float | None) -> None:
    """Seconds once Locust has read it, words as its web form keeps them."""
    assert read(run_time=given).duration_s == seconds


def test_the_lab_s_network_is_chosen_by_leg_and_by_call() -> None:
    """A choice means the same in any folder, and its executor may be named."""
    chosen = read("--network", "clean+wifi-congested;agent=flap", "--network-executor", "wire")

    assert chosen.network.labels == ("flap", "wifi-congested;flap")
    assert str(chosen.network) == "caller=clean+wifi-congested;agent=flap;settings=clean"
    assert chosen.network_executor == "wire"
    assert read().network.is_clean
    assert read("--trunk", "sip:127.0.0.1", "--numbers", "+1", "--network", "clean").network.is_clean


@pytest.mark.parametrize(
    ("words", "remedy"),
    [
        (["--network", "moon"], "take one of"),
        (["--network", ""], "take one of"),
        (["--network", "moon=flap"], "there are caller, agent, settings"),
        (["--network", "flap", "--trunk", "sip:127.0.0.1", "--numbers", "+1"], "leave out --trunk"),
    ],
)
def test_a_network_that_cannot_be_is_refused(words: list[str], remedy: str) -> None:
    """With what would do, before anything starts."""
    with pytest.raises(UsageError, match=f"^--network cannot be .*{remedy}"):
        read(*words)


@pytest.mark.parametrize(
    ("words", "option", "value"),
    [
        (["--calls", "-1"], "--calls", -1),
        (["--calls-per-second", "0"], "--calls-per-second", 0.0),
        (["--calls-per-second", "nan"], "--calls-per-second", None),
        (["--ring-timeout", "0"], "--ring-timeout", 0.0),
        (["--hold", "-1"], "--hold", -1.0),
        (["--bound", "0"], "--bound", 0.0),
        (["--max-concurrent", "0"], "--max-concurrent", 0),
        (["--stop-after-failures", "0"], "--stop-after-failures", 0),
        (["--arms", "a,a"], "--arms", "a,a"),
        (["--arms", "Old"], "--arms", "Old"),
        (["--arms", "a="], "--arms", "a="),
        (["--candidate", "c"], "--candidate", "c"),
        (["--numbers", "+1"], "--numbers", "+1"),
        (["--sip-user", "me"], "--sip-user", "me"),
        (["--tls-insecure"], "--tls-insecure", True),
        (["--source", "127.0.0.1"], "--source", "127.0.0.1"),
        (["--trunk", "sip:127.0.0.1", "--numbers", "1", "--source", "here"], "--source", "here"),
        (["--srtp", "required"], "--srtp", "required"),
        (
            ["--trunk", "sip:127.0.0.1", "--numbers", "1", "--srtp", "required", "--media", "none"],
            "--media",
            "none",
        ),
        (["--headers", "X-A: 1"], "--headers", "X-A: 1"),
        (["--dtmf", "1"], "--dtmf", "1"),
        (["--trunk", "sip:127.0.0.1", "--numbers", "1", "--dtmf", "1 2"], "--dtmf", "1 2"),
        (["--trunk", "sip:127.0.0.1", "--numbers", "1", "--dtmf", "12", "--hold", "0.4"], "--hold", 0.4),
        (
            ["--trunk", "sip:127.0.0.1", "--numbers", "1", "--dtmf", "1", "--media", "none"],
            "--media",
            "none",
        ),
        (["--trunk", "sip:127.0.0.1", "--headers", "Via: 1"], "--headers", "Via: 1"),
        (["--trunk", "sip:127.0.0.1", "--tls-ca", "ca.pem"], "--tls-ca", "ca.pem"),
        (["--trunk", "sips:127.0.0.1", "--tls-ca", "no-such.pem"], "--tls-ca", "no-such.pem"),
        (["--trunk", "sips:127.0.0.1", "--tls-ca", __file__], "--tls-ca", __file__),
        (["--trunk", "sips:127.0.0.1", "--client-cert", __file__], "--client-cert", __file__),
        (["--trunk", "sips:127.0.0.1", "--client-key", "key.pem"], "--client-key", "key.pem"),
        (["--network", "moon"], "--network", "moon"),
        (["--trunk", "http://x"], "--trunk", "http://x"),
        (["--trunk", "sip:127.0.0.1"], "--numbers", None),
        (["--trunk", "sip:127.0.0.1", "--numbers", "a=+1", "--arms", "b"], "--arms", "b"),
        (["--trunk", "sip:trunk.example.net", "--numbers", "+1"], "--trunk", "sip:trunk.example.net"),
        (["--trunk", "sip:127.0.0.1", "--numbers", "a=b c"], "--numbers", "b c"),
        (["--trunk", "sip:127.0.0.1", "--numbers", "a=+1,b"], "--numbers", "a=+1,b"),
        (
            ["--trunk", "sip:127.0.0.1", "--numbers", "+1", "--filter-fault", "silent"],
            "--filter-fault",
            "silent",
        ),
        (["--voice", "no-such.wav"], "--voice", "no-such.wav"),
        (["--voice", __file__], "--voice", __file__),
        (["--voice", __file__, "--media", "none"], "--media", "none"),
        (["--record", "all"], "--record", "all"),
        (["--record", "worst:0"], "--record", "worst:0"),
        (["--record", "sample:0.1", "--media", "pjsua2"], "--record", "sample:0.1"),
        (["--gates", "none.toml"], "--gates", "none.toml"),
        (["--gates", "not_answered<=few"], "--gates", "not_answered<=few"),
        (["--gates", "not_answered<=0.1,loss"], "--gates", "not_answered<=0.1,loss"),
    ],
)
def test_an_impossible_value_is_refused_with_its_option(words: list[str], option: str, value: object) -> None:
    """The sentence names the option, the value and what would do."""
    with pytest.raises(UsageError) as refusal:
        read(*words)

    assert refusal.value.option == option
    if value is not None:
        assert refusal.value.value == value
    assert refusal.value.remedy
    assert refusal.value.exit_code == 2


def test_another_machine_is_called_only_when_that_is_asked_for() -> None:
    """`--allow-remote` is the one way off this machine."""
    chosen = read("--trunk", "sip:trunk.example.net", "--numbers", "+1", "--allow-remote")

    assert chosen.trunk is not None
    assert not chosen.trunk.is_loopback
