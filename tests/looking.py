"""What is wrong with a page that stands in Chromium: what axe finds, and whether it is wider than the window."""

from pathlib import Path

from playwright.sync_api import Error

AXE = Path(__file__).parent / "vendor" / "axe.min.js"
VIEWS = ((320, "dark"), (1440, "light"))
"""A small phone in the dark and a wide window in the light: each a width and a theme."""

# Of what axe loads before it looks, style sheets are for a rule alone that it does not run unless it is asked to.
_ASKED = "{resultTypes: ['violations'], preload: {assets: ['media']}}"
_RUN = f"window.axe ? axe.run({_ASKED}).then(r => r.violations) : null"
_TRIES = 5
_LEFT = ("context was destroyed", "appendChild", "Frame was detached", "of null")


def window(view, **options):
    """Return what a browser opens for somebody who looks in *view*: axe is let in, and no colour fades meanwhile."""
    width, scheme = view
    viewport = {"width": width, "height": 900}
    return {
        "bypass_csp": True, "reduced_motion": "reduce", "color_scheme": scheme, "viewport": viewport, **options,
    }  # fmt: skip


def faults(page, name, views, shots=None):
    """
    Return what is wrong with a page in each of some views, as it stands there; it is left in the first of them.

    Whoever wants to look at it as well names a folder for pictures.
    """
    found = []
    for width, scheme in (*views[1:], views[0]):
        if len(views) > 1:
            page.set_viewport_size({"width": width, "height": 900})
            page.emulate_media(color_scheme=scheme)
        found += [(name, width, scheme, *fault) for fault in violations(page)]
        if (wide := width_of(page)) > width:
            found.append((name, width, scheme, "too wide", wide))
        if shots:
            page.screenshot(path=Path(shots) / f"{name}-{width}-{scheme}.png", full_page=True)
    return found


def violations(page):
    """Return each fault as its rule and the first element that breaks it; axe is let in once a document."""

    def ask():
        if (broken := page.evaluate(_RUN)) is None:
            page.add_script_tag(path=AXE)
            broken = page.evaluate(_RUN)
        return [(fault["id"], fault["nodes"][0]["html"][:200]) for fault in broken]

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
