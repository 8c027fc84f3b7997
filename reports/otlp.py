"""A run's figures pushed to an OpenTelemetry collector: OTLP over HTTP, protobuf."""

from collections.abc import Mapping, Sequence
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.parse import unquote, urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    Gauge,
    Metric,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
)
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from reports.series import Point, Series

HEADERS = "RINGTIME_OTLP_HEADERS"
_PATH = "/v1/metrics"
_SILENT_FOR_S = 10.0
_UNITS = {"seconds": "s", "ratio": "1", "": ""}
_LARGEST_ANSWER = 65_536


class CollectorError(Exception):
    """The collector did not take the figures."""


def endpoint(url: str) -> str:
    """Where metrics go at a collector; raises ValueError with what would do.

    The path is appended as OpenTelemetry's exporters do it ("OTLP/HTTP Request"); a URL that names it stays.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"{url!r} is not the URL of a collector: write it as http://collector:4318")
    if parts.username or parts.password:
        raise ValueError(f"the URL of a collector holds no secrets: give them in {HEADERS}")
    return url if parts.path.endswith(_PATH) else url.rstrip("/") + _PATH


def headers_of(environment: Mapping[str, str]) -> dict[str, str]:
    """Headers that the collector asks for, from "name=value,…" with percent-encoded values.

    That is the form of OTEL_EXPORTER_OTLP_HEADERS; that variable itself is not read, for it may be meant for
    the agents.
    """
    pairs = (pair.partition("=") for pair in environment.get(HEADERS, "").split(",") if pair.strip())
    return {name.strip(): unquote(value.strip()) for name, _, value in pairs}


def push(url: str, body: bytes, headers: Mapping[str, str]) -> None:
    """Hand them over once; raises CollectorError with one sentence, after 10 s of silence too."""
    request = Request(  # noqa: S310 - `endpoint` has seen to it that it is http
        url, data=body, headers={**headers, "Content-Type": "application/x-protobuf"}, method="POST"
    )
    try:
        with build_opener(_NoRedirect).open(request, timeout=_SILENT_FOR_S) as response:
            answer = ExportMetricsServiceResponse.FromString(response.read(_LARGEST_ANSWER))
    except HTTPError as error:
        raise CollectorError(f"{url} answered {error.code} {error.reason}") from error
    except (HTTPException, DecodeError) as error:
        raise CollectorError(f"what answers at {url} does not speak OTLP over HTTP") from error
    except (OSError, ValueError) as error:
        raise CollectorError(f"{url} cannot be reached: {getattr(error, 'reason', error)}") from error
    if rejected := answer.partial_success.rejected_data_points:
        why = answer.partial_success.error_message or "it gives no reason"
        raise CollectorError(f"{url} rejected {rejected} numbers: {why}")


class _NoRedirect(HTTPRedirectHandler):
    """A redirected POST would arrive as a GET without a body, and take the headers to another host."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def encoded(identity: Mapping[str, str], found: Sequence[Series], *, at_unix: float) -> bytes:
    """The request: gauges at one moment, the run as the resource."""
    at_ns = int(at_unix * 1e9)
    return ExportMetricsServiceRequest(
        resource_metrics=[
            ResourceMetrics(
                resource=Resource(attributes=_attributes(_resource(identity))),
                scope_metrics=[
                    ScopeMetrics(
                        scope=InstrumentationScope(name="ringtime"),
                        metrics=[_metric(each, at_ns) for each in found],
                    )
                ],
            )
        ]
    ).SerializeToString()


def _resource(identity: Mapping[str, str]) -> dict[str, str]:
    own = {"service.name": "ringtime", "service.version": identity.get("ringtime", "")}
    return own | {f"ringtime.{name}": value for name, value in identity.items() if name != "ringtime"}


def _metric(each: Series, at_ns: int) -> Metric:
    return Metric(
        name=f"ringtime.{each.name}",
        description=each.text,
        unit=_UNITS[each.unit],
        gauge=Gauge(data_points=[_point(point, at_ns) for point in each.points]),
    )


def _point(point: Point, at_ns: int) -> NumberDataPoint:
    return NumberDataPoint(attributes=_attributes(point.labels), time_unix_nano=at_ns, as_double=point.value)


def _attributes(labels: Mapping[str, str]) -> list[KeyValue]:
    return [KeyValue(key=name, value=AnyValue(string_value=text)) for name, text in labels.items()]
