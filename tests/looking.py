"""What axe finds on a page in Chromium: accessibility faults of the page that stands there."""

from pathlib import Path

from playwright.sync_api import Error

AXE = Path(__file__).parent / "vendor" / "axe.min.js"
_RUN = "axe.run({resultTypes: ['violations']}).then(r => r.violations)"
_TRIES = 5


def violations(page):
    """Return each fault as its rule and the first element that breaks it."""
    for left in reversed(range(_TRIES)):
        page.wait_for_load_state()
        try:
            page.add_script_tag(path=AXE)
            return [(fault["id"], fault["nodes"][0]["html"][:200]) for fault in page.evaluate(_RUN)]
        except Error as error:
            # A click leads on in its own time: a page that was left while axe looked at it has told nothing.
            if not left or not _was_left(error):
                raise
    raise AssertionError


def _was_left(error):
    return any(words in str(error) for words in ("context was destroyed", "appendChild", "Frame was detached"))
