"""Production lines: what each has done, and what was wrong with the codes that it sent."""

from collections import Counter

from authsvc import catalogue, line_cameras
from authsvc.line_cameras import BatchInfo
from authsvc.staff import Role
from authsvc.web.console import guard, rendering

KINDS = {
    "duplicate": "on goods already",
    "overrun": "beyond what was issued",
    "unknown": "never issued",
    "unreadable": "cannot be read",
    "other-run": "of another run",
}
_SHOWN = 3


@guard.page("/lines", role=Role.VIEWER, nav="Lines")
def lines() -> str:
    """Show the lines with their counts, and the latest batches with alarms."""
    me = guard.me()
    with guard.session() as session:
        brand = catalogue.get_brand_by_id(session, me.brand_id)
        found = line_cameras.list_lines(session, brand)
        alarms = line_cameras.list_alarms(session, brand)
    return rendering.show(
        "console/lines.html", title="Lines", lines=found, alarms=[(batch, _words(batch)) for batch in alarms]
    )


def _words(batch: BatchInfo) -> list[str]:
    """Say what was wrong: of each kind how many, and the first codes."""
    counts = Counter(alarm["kind"] for alarm in batch.alarms)
    words = []
    for kind, count in counts.items():
        codes = [alarm["code"] for alarm in batch.alarms if alarm["kind"] == kind][:_SHOWN]
        more = f" and {count - _SHOWN} more" if count > _SHOWN else ""
        words.append(f"{count} {KINDS.get(kind, kind)}: {', '.join(codes)}{more}")
    return words
