"""The figures at ``/metrics`` (Prometheus): counts and times, nothing about anybody."""

from functools import cache

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest, multiprocess

from authsvc.core.verdicts import Reason

SCANS = Counter("authsvc_scans", "Scans answered, by the reason of their verdict.", ["reason"])
SCAN_SECONDS = Histogram(
    "authsvc_scan_seconds",
    "Time to answer a Digital Link.",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5),
)
DATABASE_UP = Gauge("authsvc_database_up", "Whether the database answered last.", multiprocess_mode="mostrecent")


@cache
def scans(reason: Reason) -> Counter:
    """Return the counter of one reason; the library takes as long to find it as to count."""
    return SCANS.labels(reason.value)


def exposition(multiprocess_dir: str | None) -> bytes:
    """Return all figures as text; with several workers, the sum over them."""
    if multiprocess_dir is None:
        return generate_latest()
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry, path=multiprocess_dir)  # type: ignore[no-untyped-call]
    return generate_latest(registry)
