"""metrics.prom: a run's figures for node_exporter's textfile collector or a Pushgateway."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from reports.series import Series

_PREFIX = "ringtime_"


def exposition(identity: Mapping[str, str], found: Sequence[Series]) -> str:
    """Prometheus's text format; gauges alone and no time stamps, which both takers refuse."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Figures(identity, found))
    return generate_latest(registry).decode()


@dataclass(frozen=True, slots=True, eq=False)  # a registry keeps collectors by identity
class _Figures(Collector):
    identity: Mapping[str, str]
    found: Sequence[Series]

    def collect(self) -> Iterable[Metric]:
        yield InfoMetricFamily(f"{_PREFIX}run", "Which run it was, and of what", dict(self.identity))
        for each in self.found:
            labels = list(each.points[0].labels)
            family = GaugeMetricFamily(_name(each), each.text, labels=labels, unit=each.unit)
            for point in each.points:
                family.add_metric([point.labels[label] for label in labels], point.value)
            yield family


def _name(each: Series) -> str:
    return _PREFIX + (f"{each.name}_{each.unit}" if each.unit else each.name)
