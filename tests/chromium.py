"""
Chromium as the tests start it.

Debian builds it twice from the same sources: with windows, menus and profiles, and as a shell with the engine alone.
Both draw a page and run a script by the same code, but a visit costs the shell less than half of the processor time. So
the shell walks where there is one, and the whole browser where there is none.
"""

import shutil

WHOLE = "/usr/bin/chromium"
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update")


def launch(playwright):
    """Start the browser that walks."""
    program = shutil.which("chromium-headless-shell") or WHOLE
    return playwright.chromium.launch(executable_path=program, args=list(FLAGS))
