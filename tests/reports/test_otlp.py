"""What is pushed to an OpenTelemetry collector, and what becomes of a run if that does not take it."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsPartialSuccess,
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.metrics.v1.metrics_pb2 import NumberDataPoint

from reports import otlp
from reports.__main__ import main

WriteRun = Callable[..., Path]
TAKEN = ExportMetricsServiceResponse().SerializeToString()
PASSED = {"gates": {"not_answered": 0.2}, "calls": 40}


@dataclass
class Collector:
    """What came in; `status`, `headers` and `body` are what it answers."""

    status: int = 200
    body: bytes = TAKEN
    headers: dict[str, str] = field(default_factory=dict)
    paths: list[str] = field(default_factory=list)
    given: list[dict[str, str]] = field(default_factory=list)
    requests: list[ExportMetricsServiceRequest] = field(default_factory=list)
    url: str = ""


@contextmanager
def collecting(**answer: object) -> Iterator[Collector]:
    """An HTTP server of our own that decodes what it is given."""
    collector = Collector(**answer)  # type: ignore[arg-type]

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            collector.paths.append(self.path)
            collector.given.append(dict(self.headers))
            collector.requests.append(ExportMetricsServiceRequest.FromString(body))
            self.send_response(collector.status)
            for name, value in collector.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(collector.body)))
            self.end_headers()
            self.wfile.write(collector.body)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    collector.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield collector
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _labels(point: NumberDataPoint) -> dict[str, str]:
    return {attribute.key: attribute.value.string_value for attribute in point.attributes}


def _report(folder: Path, url: str) -> int:
    return main([str(folder), "--no-html", "--otlp", url])


def test_a_collector_is_given_every_figure_as_of_the_end_of_the_run(write_run: WriteRun) -> None:
    """Decoded there: the resource names the run, units are UCUM's, the numbers are summary.json's."""
    folder = write_run(**PASSED)
    with collecting() as collector:
        assert _report(folder, collector.url) == 0
    summary = json.loads((folder / "summary.json").read_text())
    ended_unix = json.loads((folder / "run.json").read_text())["ended_unix"]
    (request,) = collector.requests
    (resource,) = request.resource_metrics
    named = {each.key: each.value.string_value for each in resource.resource.attributes}
    (scope,) = resource.scope_metrics
    metrics = {metric.name: metric for metric in scope.metrics}
    ring = metrics["ringtime.ring_to_answer"]
    median = {"arm": "bounded", "profile": "all", "percentile": "p50", "bound": "estimate"}

    assert collector.paths == ["/v1/metrics"]
    assert collector.given[0]["Content-Type"] == "application/x-protobuf"
    assert named["service.name"] == "ringtime"
    assert named["service.version"] == "0.1.0"
    assert named["ringtime.run_id"] == summary["run_ids"][0]
    assert (ring.unit, metrics["ringtime.not_answered"].unit) == ("s", "1")
    (point,) = [point for point in ring.gauge.data_points if _labels(point) == median]
    assert point.as_double == summary["arms"]["bounded"]["ring_to_answer_s"]["p50"]["value"]
    assert point.time_unix_nano == pytest.approx(ended_unix * 1e9, abs=1e3)


def test_headers_that_a_collector_asks_for_come_from_the_environment(
    write_run: WriteRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As OpenTelemetry writes them, percent-encoded; OpenTelemetry's own variables are not taken."""
    monkeypatch.setenv("RINGTIME_OTLP_HEADERS", "Authorization=Bearer%20abc, X-Scope-OrgID=7")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "X-Other=1")
    with collecting() as collector:
        _report(write_run(**PASSED), collector.url)

    assert collector.given[0]["Authorization"] == "Bearer abc"
    assert {name.lower() for name in collector.given[0]} >= {"x-scope-orgid"}
    assert "X-Other" not in collector.given[0]


def test_a_collector_is_pushed_to_only_where_one_is_named(
    write_run: WriteRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    """OTEL_EXPORTER_OTLP_ENDPOINT may be meant for the agents; RINGTIME_OTLP is meant for us."""
    folder = write_run(**PASSED)
    with collecting() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        main([str(folder), "--no-html"])
        assert collector.requests == []
        monkeypatch.setenv("RINGTIME_OTLP", collector.url)
        main([str(folder), "--no-html"])
        assert len(collector.requests) == 1


SOME_REJECTED = ExportMetricsServiceResponse(
    partial_success=ExportMetricsPartialSuccess(rejected_data_points=3, error_message="too old")
).SerializeToString()


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"status": 503}, "answered 503 Service Unavailable"),
        ({"status": 401}, "answered 401 Unauthorized"),
        ({"status": 302, "headers": {"Location": "http://127.0.0.1:1/"}}, "answered 302 Found"),
        ({"body": SOME_REJECTED}, "rejected 3 numbers: too old"),
        ({"body": b"<html>hello</html>"}, "does not speak OTLP over HTTP"),
    ],
    ids=["busy", "not let in", "elsewhere", "in part", "a web server"],
)
def test_a_collector_that_refuses_changes_no_verdict(
    write_run: WriteRun, capsys: pytest.CaptureFixture[str], answer: dict[str, object], words: str
) -> None:
    """One sentence with the reason and where the figures are, and the exit code of the verdict."""
    with collecting(**answer) as collector:
        assert _report(write_run(**PASSED), collector.url) == 0

    (said,) = capsys.readouterr().err.splitlines()
    assert words in said
    assert "metrics.prom" in said


def test_a_collector_that_is_not_there_changes_no_verdict(
    write_run: WriteRun, capsys: pytest.CaptureFixture[str]
) -> None:
    """A port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

    assert _report(write_run(**PASSED), f"http://127.0.0.1:{port}") == 0
    assert "cannot be reached: [Errno 111] Connection refused" in capsys.readouterr().err


def test_a_collector_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes the connection and is silent."""
    monkeypatch.setattr(otlp, "_SILENT_FOR_S", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = otlp.endpoint(f"http://127.0.0.1:{server.getsockname()[1]}")

        with pytest.raises(otlp.CollectorError, match="cannot be reached: timed out"):
            otlp.push(url, b"", {})


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("http://collector:4318", "http://collector:4318/v1/metrics"),
        ("https://collector/otlp/", "https://collector/otlp/v1/metrics"),
        ("http://collector:4318/v1/metrics", "http://collector:4318/v1/metrics"),
    ],
)
def test_the_path_is_appended_as_opentelemetry_does_it(given: str, used: str) -> None:
    """To the collector's base URL, which may have a path of its own."""
    assert otlp.endpoint(given) == used


@pytest.mark.parametrize(
    "url", ["collector:4318", "grpc://collector:4317", "http://", "http://me:secret@collector"]
)
def test_what_is_no_url_of_a_collector_is_refused(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    """With exit code 2, one sentence, and no secret in it."""
    with pytest.raises(SystemExit, match="2"):
        main(["runs/latest", "--otlp", url])

    said = capsys.readouterr().err
    assert "collector" in said
    assert "secret@" not in said
