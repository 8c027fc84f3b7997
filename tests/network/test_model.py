"""The reference model against theory, and against what a link may never do."""

import itertools
import math
import random
import statistics
from collections import Counter
from collections.abc import Iterable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from network import distribution, language, theory
from network.impairment import Distribution, Fragments, Impairment, Jitter, Late, Loss, Outages
from network.model import FORGOTTEN_AFTER_S, Link, Way
from network.profile import Direction, Profile, Selection, Traffic, Window

VOICE_BYTES = 200
EVERY_S = 0.02

jitters = st.builds(
    Jitter,
    distribution=st.sampled_from(sorted(set(Distribution) - {Distribution.NORMAL})),
    ms=st.floats(0.1, 200),
    time_constant_ms=st.sampled_from((0.0, 50.0)),
    ordered=st.booleans(),
)
losses = st.builds(Loss, rate=st.floats(0, 0.5), mean_burst=st.none() | st.floats(1, 20))
impairments = st.builds(
    Impairment,
    delay_ms=st.floats(0, 500),
    jitter=st.none() | jitters,
    loss=st.none() | losses,
    outages=st.none() | st.just(Outages(per_s=0.5, from_ms=40, to_ms=400)),
    rate_kbps=st.none() | st.floats(64, 2000),
    slot_ms=st.none() | st.just(40.0),
    retransmission=st.none() | st.just(Late(rate=0.1, by_ms=8)),
    reorder=st.none() | st.just(Late(rate=0.05, by_ms=30)),
    duplicate=st.sampled_from((0.0, 0.05)),
)
few = settings(max_examples=25, deadline=None)


def profile(
    up: Impairment | None = None, down: Impairment | None = None, windows: tuple[Window, ...] = ()
) -> Profile:
    """A profile of these parts."""
    return Profile(
        name="mine",
        origin="mine",
        title="A test",
        source="none",
        up=up or Impairment(),
        down=down or up or Impairment(),
        windows=windows,
    )


def way(impairment: Impairment, *, seed: int = 1) -> Way:
    """One direction of a link with that impairment."""
    return Link(profile(impairment), seed=seed).up


def sent_at(packets: int, *, every_s: float = EVERY_S) -> list[float]:
    """Times at which so many packets are sent, one after the other."""
    return [turn * every_s for turn in range(packets)]


def fates(one: Way, times: Iterable[float], *, flow: str = "voice") -> list[tuple[float, ...]]:
    """What becomes of one flow's packets."""
    return [one.release(at_s, VOICE_BYTES, flow, Traffic.MEDIA) for at_s in times]


def delays(one: Way, times: Sequence[float]) -> list[float]:
    """The delays of packets that came through."""
    return [came[0] - at_s for at_s, came in zip(times, fates(one, times), strict=True) if came]


def bursts(came: Iterable[tuple[float, ...]]) -> list[int]:
    """Lengths of the runs of lost packets."""
    return [len(list(run)) for is_lost, run in itertools.groupby(came, key=lambda each: not each) if is_lost]


@few
@given(impairment=impairments, seed=st.integers())
def test_nothing_comes_out_before_it_went_in(impairment: Impairment, seed: int) -> None:
    """A link cannot look ahead, and no packet is faster than its delay."""
    times = sent_at(300)
    for at_s, came in zip(times, fates(way(impairment, seed=seed), times), strict=True):
        assert len(came) <= 2
        assert all(out_s >= at_s + impairment.delay_ms / 1000 - 1e-9 for out_s in came)


@few
@given(impairment=impairments, seed=st.integers())
def test_every_packet_is_accounted_for(impairment: Impairment, seed: int) -> None:
    """Offered is delivered and lost, each loss under its cause."""
    one = way(impairment, seed=seed)
    came = fates(one, sent_at(300))
    assert one.tally.offered == 300
    assert one.tally.dropped == sum(not each for each in came)
    assert one.tally.duplicated == sum(len(each) == 2 for each in came)


@few
@given(impairment=impairments, seed=st.integers(), shuffle=st.randoms(use_true_random=False))
def test_a_flow_meets_the_same_fates_however_it_interleaves_with_others(
    impairment: Impairment, seed: int, shuffle: random.Random
) -> None:
    """What hangs on chance hangs on the seed and the flow's own packets; only a rate is shared by nature."""
    impairment = Impairment(
        **{key: getattr(impairment, key) for key in Impairment.__slots__ if key != "rate_kbps"}
    )
    alone = {flow: fates(way(impairment, seed=seed), sent_at(60), flow=flow) for flow in "abc"}
    together, found = way(impairment, seed=seed), {flow: [] for flow in "abc"}
    for at_s in sent_at(60):
        for flow in shuffle.sample("abc", 3):
            found[flow].append(together.release(at_s, VOICE_BYTES, flow, Traffic.MEDIA))
    assert found == alone


@few
@given(impairment=impairments, seed=st.integers())
def test_a_seed_says_all(impairment: Impairment, seed: int) -> None:
    """The same run can be had again."""
    assert fates(way(impairment, seed=seed), sent_at(200)) == fates(way(impairment, seed=seed), sent_at(200))


def test_links_directions_and_flows_draw_apart() -> None:
    """Two callers under one profile do not lose the same packets, nor does a caller in both directions."""
    bad = profile(Impairment(loss=Loss(rate=0.5)))
    ways = [Link(bad, seed=seed, name=name).up for seed, name in ((1, "a"), (1, "b"), (2, "a"))]
    ways.append(Link(bad, seed=1, name="a").down)
    lost = [tuple(map(bool, fates(one, sent_at(64)))) for one in ways]
    lost.append(tuple(map(bool, fates(Link(bad, seed=1, name="a").up, sent_at(64), flow="video"))))
    assert len(set(lost)) == 5


def test_a_profile_with_a_seed_of_its_own_ignores_that_of_the_run() -> None:
    """What a profile fixes stays fixed."""
    own = language.parse(
        'title = "A"\nsource = "B"\nseed = 3\n[both]\nloss = { rate = 0.5 }', name="mine", origin="mine"
    )
    assert fates(Link(own, seed=1).up, sent_at(64)) == fates(Link(own, seed=2).up, sent_at(64))


@few
@given(jitter=jitters, again=st.booleans(), seed=st.integers())
def test_ordered_packets_never_overtake_within_their_flow(jitter: Jitter, again: bool, seed: int) -> None:
    """Order is kept whatever the jitter."""
    ordered = Jitter(distribution=jitter.distribution, ms=jitter.ms, time_constant_ms=jitter.time_constant_ms)
    late = Late(rate=0.2, by_ms=50) if again else None
    came = fates(way(Impairment(jitter=ordered, retransmission=late), seed=seed), sent_at(300))
    out_s = [each[0] for each in came]
    assert out_s == sorted(out_s)


def test_unordered_jitter_reorders_voice() -> None:
    """20 ms of normal jitter at 20 ms of spacing turns about a quarter of the packets around."""
    jitter = Jitter(distribution=Distribution.NORMAL, ms=20, ordered=False)
    times = sent_at(20_000)
    came = fates(way(Impairment(delay_ms=100, jitter=jitter)), times)
    behind = sum(later[0] < earlier[0] for earlier, later in itertools.pairwise(came))
    expected = statistics.NormalDist().cdf(-20 / (20 * math.sqrt(2)))
    assert behind / len(came) == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize(
    ("rate", "mean_burst"), [(0.01, None), (0.05, 5.0), (0.3, None), (0.5, 1.0), (0.1, 3.0)]
)
def test_losses_have_the_rate_and_the_bursts_asked_for(rate: float, mean_burst: float | None) -> None:
    """Gilbert and Bernoulli, each within four standard errors."""
    loss = Loss(rate=rate, mean_burst=mean_burst)
    found = bursts(fates(way(Impairment(loss=loss)), sent_at(100_000)))
    spread = math.sqrt(1 - 1 / loss.burst) * loss.burst  # of a geometric length
    assert statistics.mean(found) == pytest.approx(loss.burst, abs=4 * spread / math.sqrt(len(found)) + 1e-9)
    error = math.sqrt(rate * (1 - rate) * 2 * loss.burst / 100_000)
    assert sum(found) / 100_000 == pytest.approx(rate, abs=4 * error)


def test_interleaved_flows_keep_their_bursts() -> None:
    """A hundred calls on one link each see bursts of five, not the single losses of a common state."""
    one = way(Impairment(loss=Loss(rate=0.05, mean_burst=5)))
    came: dict[int, list[tuple[float, ...]]] = {flow: [] for flow in range(100)}
    for at_s in sent_at(1000):
        for flow, each in came.items():
            each.append(one.release(at_s, VOICE_BYTES, flow, Traffic.MEDIA))
    found = [length for each in came.values() for length in bursts(each)]
    assert statistics.mean(found) == pytest.approx(5, rel=0.1)
    assert one.tally.lost / one.tally.bursts == pytest.approx(statistics.mean(found), rel=0.05)


def test_everything_is_lost_at_a_rate_of_one_and_nothing_at_zero() -> None:
    """The ends of the scale are exact."""
    assert not any(fates(way(Impairment(loss=Loss(rate=1))), sent_at(500)))
    assert all(fates(way(Impairment(loss=Loss(rate=0))), sent_at(500)))


@pytest.mark.parametrize("spread", list(Distribution))
@pytest.mark.parametrize("time_constant_ms", [0.0, 30.0])
def test_delays_have_the_distribution_asked_for(spread: Distribution, time_constant_ms: float) -> None:
    """By Kolmogorov and Smirnov, for jitter with and without a time constant."""
    jitter = Jitter(distribution=spread, ms=10, time_constant_ms=time_constant_ms, ordered=False)
    one = way(Impairment(delay_ms=50, jitter=jitter))
    found = delays(one, sent_at(5_000, every_s=0.3))  # ten time constants apart, so near enough independent
    theirs = [distribution.share_within(jitter, delay_s - 0.05) for delay_s in found]
    assert stats.kstest(theirs, "uniform").pvalue > 0.001
    expected = theory.delay(Impairment(delay_ms=50, jitter=jitter))
    assert statistics.mean(found) == pytest.approx(
        expected.mean_s, abs=5 * expected.deviation_s / math.sqrt(5000)
    )


def test_a_time_constant_leaves_the_deviation_and_correlates_neighbours() -> None:
    """Slow jitter is as wide as fast jitter, and decays as exp(-t / constant)."""
    jitter = Jitter(distribution=Distribution.NORMAL, ms=10, time_constant_ms=60, ordered=False)
    found = delays(way(Impairment(delay_ms=50, jitter=jitter)), sent_at(60_000))
    assert statistics.stdev(found) == pytest.approx(0.010, rel=0.03)
    assert statistics.correlation(found, found[1:] + found[:1]) == pytest.approx(math.exp(-20 / 60), abs=0.02)


@pytest.mark.parametrize("spread", list(Distribution))
def test_share_within_and_quantile_are_inverses(spread: Distribution) -> None:
    """Both sides of the distribution say the same."""
    jitter = Jitter(distribution=spread, ms=12)
    for share in (0.001, 0.1, 0.5, 0.9, 0.999):
        assert distribution.share_within(jitter, distribution.quantile_s(jitter, share)) == pytest.approx(
            share
        )


def test_the_5qi1_bearer_keeps_98_percent_of_its_packets_within_100_ms() -> None:
    """The catalogue's numbers meet their source."""
    jitter = language.load("volte-5qi1").up.jitter
    assert jitter is not None
    assert 0.05 + distribution.quantile_s(jitter, 0.98) == pytest.approx(0.100, abs=0.0005)


@few
@given(rate_kbps=st.floats(20, 2000), seed=st.integers(0, 9))
def test_no_more_comes_out_than_the_rate_lets_through(rate_kbps: float, seed: int) -> None:
    """Between any two packets is the time that the later one takes at that rate."""
    sizes = random.Random(seed)
    one = way(Impairment(rate_kbps=rate_kbps, queue_ms=300))
    last_s = -1.0
    for at_s in sent_at(500, every_s=0.003):
        size_bytes = sizes.randrange(60, 1500)
        for out_s in one.release(at_s, size_bytes, "data"):
            assert out_s - max(last_s, at_s) >= size_bytes * 8 / rate_kbps / 1000 - 1e-9
            assert out_s - at_s <= 0.300 + size_bytes * 8 / rate_kbps / 1000 + 1e-9
            last_s = out_s


def test_a_queue_bounded_in_bytes_drops_at_its_tail() -> None:
    """Ten packets fit in the queue of 2000 bytes; the eleventh finds no place."""
    one = way(Impairment(rate_kbps=8, queue_bytes=2000))
    came = [one.release(0.0, VOICE_BYTES, "data") for _ in range(12)]
    assert [bool(each) for each in came] == [True] * 10 + [False] * 2
    assert one.tally.queue_full == 2


def test_the_share_that_a_narrow_link_drops_is_what_does_not_fit() -> None:
    """Voice of 80 kbit/s into 64 loses a fifth."""
    one = way(Impairment(rate_kbps=64, queue_ms=300))
    fates(one, sent_at(10_000))
    assert one.tally.queue_full / 10_000 == pytest.approx(0.2, abs=0.002)


def test_outages_come_as_often_and_last_as_long_as_asked_for() -> None:
    """Number and share of time, each within four standard errors."""
    outages = Outages(per_s=0.2, from_ms=40, to_ms=400)
    found = bursts(fates(way(Impairment(outages=outages)), sent_at(300_000)))
    seconds = 300_000 * EVERY_S
    expected = seconds / (1 / outages.per_s + 0.22)
    assert len(found) == pytest.approx(expected, abs=4 * math.sqrt(expected))
    share = theory.outage_share(Impairment(outages=outages))
    assert sum(found) / 300_000 == pytest.approx(share, rel=4 / math.sqrt(expected))


def test_an_outage_takes_both_directions_and_all_flows() -> None:
    """A hole is the link's."""
    link = Link(profile(Impairment(outages=Outages(per_s=1, from_ms=100, to_ms=100))), seed=1)
    times = sent_at(1000)
    up, down = fates(link.up, times, flow="a"), fates(link.down, times, flow="b")
    assert [bool(each) for each in up] == [bool(each) for each in down]
    assert not all(up)


def test_slots_let_packets_through_together() -> None:
    """Under a cycle of 40 ms two packets of voice come at once, never more than a cycle late."""
    times = sent_at(1000)
    came = [each[0] for each in fates(way(Impairment(delay_ms=20, slot_ms=40)), times)]
    in_slot = list(Counter(round(out_s, 6) for out_s in came).values())
    assert set(in_slot[1:-1]) == {2}
    assert all(0.020 <= out_s - at_s <= 0.060 + 1e-9 for at_s, out_s in zip(times, came, strict=True))


def test_rare_events_befall_the_share_asked_for() -> None:
    """Reordering and duplication by their tally, retransmission by its delay."""
    one = way(
        Impairment(
            retransmission=Late(rate=0.1, by_ms=8),
            reorder=Late(rate=0.02, by_ms=70),
            duplicate=0.03,
        )
    )
    times = sent_at(50_000)
    late = sum(delay_s > 0.079 or 0.007 < delay_s < 0.009 for delay_s in delays(one, times))
    assert late / 50_000 == pytest.approx(0.1 * 0.98 + 0.02 * 0.1, abs=0.006)
    assert one.tally.reordered / 50_000 == pytest.approx(0.02, abs=0.003)
    assert one.tally.duplicated / 50_000 == pytest.approx(0.03, abs=0.004)


def test_what_is_too_large_or_a_fragment_is_dropped() -> None:
    """A black hole of path MTU discovery swallows without a word."""
    one = way(Impairment(mtu_bytes=1200, fragments=Fragments.DROP))
    assert one.release(0.0, 1200, "data")
    assert not one.release(0.0, 1201, "data")
    assert not one.release(0.0, 500, "data", fragment=True)
    assert one.tally.too_large == 2


def test_a_window_changes_the_link_while_it_is_open_and_for_its_traffic_alone() -> None:
    """Media is cut from 1 to 2 s, signalling never."""
    cut = Impairment(loss=Loss(rate=1))
    one = Link(
        profile(windows=(Window(from_s=1, for_s=1, traffic=Selection.MEDIA, up=cut, down=cut),)), seed=1
    ).up
    times = sent_at(150)
    assert [at_s for at_s, came in zip(times, fates(one, times), strict=True) if not came] == [
        at_s for at_s in times if 1 <= at_s < 2
    ]
    link = Link(
        profile(windows=(Window(from_s=1, for_s=1, traffic=Selection.MEDIA, up=cut, down=cut),)), seed=1
    )
    assert all(link.up.release(at_s, 600, "sip", Traffic.SIP) for at_s in times)


def test_losses_within_a_short_window_have_their_rate_from_its_first_packet_on() -> None:
    """A flow enters a window as one that has been in it for long."""
    half = Impairment(loss=Loss(rate=0.5))
    one = Link(profile(windows=(Window(from_s=7, for_s=0.02, every_s=8, up=half, down=half),)), seed=1).up
    first = [one.release(turn * 8 + 7.01, VOICE_BYTES, "voice") for turn in range(4000)]
    assert sum(not came for came in first) / 4000 == pytest.approx(0.5, abs=0.04)


def test_a_flow_that_was_silent_for_long_begins_anew_whether_it_was_forgotten_or_not() -> None:
    """Forgetting saves memory and changes nothing."""
    bad = Impairment(loss=Loss(rate=0.5))
    times = [*sent_at(50), *(FORGOTTEN_AFTER_S + 2 + at_s for at_s in sent_at(50))]
    kept, forgot = way(bad), way(bad)
    before = fates(forgot, times[:50])
    forgot.forget(times[50])
    assert fates(kept, times) == before + fates(forgot, times[50:])


def test_the_two_directions_are_those_of_the_profile() -> None:
    """Up is from the near end."""
    link = Link(profile(Impairment(delay_ms=10), Impairment(delay_ms=30)), seed=1)
    assert delays(link.way(Direction.UP), [0.0]) == [pytest.approx(0.010)]
    assert delays(link.way(Direction.DOWN), [0.0]) == [pytest.approx(0.030)]


@pytest.mark.parametrize(("every_s", "repeated"), [(0.02, 0.75), (0.025, 0.75), (0.04, 0.56), (1.0, 0.05)])
def test_a_flow_that_pauses_leaves_its_burst_behind(every_s: float, repeated: float) -> None:
    """Bursts are of voice: after a loss one in four packets gets through, of SIP's repeats nearly all."""
    one = way(Impairment(loss=Loss(rate=0.05, mean_burst=4)))
    lost = [not came for came in fates(one, [number * every_s for number in range(40_000)])]
    again = [later for earlier, later in itertools.pairwise(lost) if earlier]
    assert sum(lost) / len(lost) == pytest.approx(0.05, abs=0.012)
    assert sum(again) / len(again) == pytest.approx(repeated, abs=0.06)


@pytest.mark.slow
def test_five_million_packets_agree_with_theory() -> None:
    """Loss within 0.1 points, bursts within 2 %, delays by Kolmogorov and Smirnov, order and rate exact."""
    jitter = Jitter(distribution=Distribution.EXPONENTIAL, ms=4)
    impairment = Impairment(delay_ms=50, jitter=jitter, loss=Loss(rate=0.05, mean_burst=5), rate_kbps=100_000)
    one = way(impairment)
    flows, packets, every_s = 100, 5_000_000, 0.02
    last = dict.fromkeys(range(flows), 0.0)
    was_lost = dict.fromkeys(range(flows), False)
    lost = runs = 0
    found: list[float] = []
    for turn in range(packets // flows):
        for flow in range(flows):
            at_s = turn * every_s + flow * every_s / flows
            came = one.release(at_s, VOICE_BYTES, flow, Traffic.MEDIA)
            if not came:
                lost += 1
                runs += not was_lost[flow]
            else:
                assert came[0] >= last[flow]
                last[flow] = came[0]
                if turn % 10 == 0:
                    found.append(came[0] - at_s - VOICE_BYTES * 8 / 100e6 - 0.050)
            was_lost[flow] = not came
    assert lost / packets == pytest.approx(0.05, abs=0.001)
    assert lost / runs == pytest.approx(5, rel=0.02)
    theirs = [distribution.share_within(jitter, delay_s) for delay_s in found]
    assert stats.kstest(theirs, "uniform").pvalue > 0.001


def test_a_link_of_a_constant_delay_is_what_it_would_be_by_the_long_way() -> None:
    """The same times and the same tally as with a window that never opens, which takes all the steps."""
    impairment = Impairment(delay_ms=40)
    never = Window(from_s=1e9, up=impairment, down=impairment)
    short, long = (Link(profile(impairment, windows=windows), seed=1).up for windows in ((), (never,)))
    assert fates(short, sent_at(100)) == fates(long, sent_at(100))
    assert short.tally == long.tally
