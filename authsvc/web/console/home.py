"""Where the console opens."""

from authsvc.staff import Role
from authsvc.web.console import guard, rendering


@guard.page("/", role=Role.VIEWER, nav="Overview")
def overview() -> str:
    """Show who is signed in and what they may do."""
    return rendering.show("console/home.html", title="Overview")
