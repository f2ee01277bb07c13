"""What is wrong with a page that stands in Chromium: what axe finds, and whether it is wider than the window."""

from pathlib import Path

from playwright.sync_api import Error

AXE = Path(__file__).parent / "vendor" / "axe.min.js"
# Of what axe loads before it looks, style sheets are for a rule alone that it does not run unless it is asked to.
_ASKED = "{resultTypes: ['violations'], preload: {assets: ['media']}}"
_RUN = f"window.axe ? axe.run({_ASKED}).then(r => r.violations) : null"
_TRIES = 5
_LEFT = ("context was destroyed", "appendChild", "Frame was detached", "of null")


def violations(page):
    """Return each fault as its rule and the first element that breaks it; axe is let in once a document."""

    def ask():
        if (faults := page.evaluate(_RUN)) is None:
            page.add_script_tag(path=AXE)
            faults = page.evaluate(_RUN)
        return [(fault["id"], fault["nodes"][0]["html"][:200]) for fault in faults]

    return _settled(page, ask)


def width_of(page):
    """Return how many pixels wide the content of the page is."""
    return _settled(page, lambda: page.evaluate("document.documentElement.scrollWidth"))


def _settled(page, ask):
    """Ask a page that stands still: a click leads on in its own time, and a page that is being left tells nothing."""
    for left in reversed(range(_TRIES)):
        page.wait_for_load_state()
        try:
            return ask()
        except Error as error:
            if not left or not any(words in str(error) for words in _LEFT):
                raise
    raise AssertionError
