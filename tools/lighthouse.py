"""
Judge the pages of the demo with Lighthouse: ``make lighthouse``. Needs npm and Debian's Chromium.

The packages are those of ``frontend/package-lock.json``, installed without running their scripts. A demo is made in a
temporary folder and signed in to. Pages of the console are judged as on a desktop, pages for consumers as on a phone,
each three times; the median counts. What is below the bar ends the program with 1. Nothing else should run meanwhile.
"""

import contextlib
import http.cookiejar
import json
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click

ROOT = Path(__file__).resolve().parent.parent
FRONTEND = ROOT / "frontend"
CLI = FRONTEND / "node_modules" / "lighthouse" / "cli" / "index.js"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
CATEGORIES = ("performance", "accessibility", "best-practices")
BAR = 95
START_S = 180.0

CONSOLE = (
    "/console/", "/console/alerts", "/console/cases", "/console/reports", "/console/reports/shops", "/console/rules",
    "/console/webhooks", "/console/webhooks/deliveries", "/console/webhooks/mails", "/console/devices",
    "/console/team", "/console/audit", "/console/search?q=0950600", "/console/account", "/console/products",
    "/console/products/new", "/console/runs", "/console/runs/new", "/console/recalls", "/console/recalls/new",
    "/console/disputes", "/console/dealers", "/console/advisor", "/console/exports",
)  # fmt: skip
LINKED = (
    ("/console/alerts", r"/console/alerts/[0-9a-f-]{36}"),
    ("/console/cases", r"/console/cases/[0-9a-f-]{36}"),
    ("/console/reports", r"/console/reports/[0-9a-f-]{36}"),
    ("/console/webhooks", r"/console/webhooks/[0-9a-f-]{36}"),
    ("/console/products", r"/console/products/[0-9]{14}"),
    ("/console/recalls", r"/console/recalls/[0-9]+"),
)
"""Pages of one thing, by the page that links to the first of them."""
CONSUMER = ("/", "/check", "/own/sign-in", "/own/take", "/report", "/privacy")
CARDS = ("genuine", "possible-copy", "forged", "recalled", "batch")
"""Cards of the demo whose answers are judged."""
COPIED, REGISTRABLE = "possible-copy", "genuine"
"""The card whose item and alert are judged in the console, and the one whose answer leads to a registration."""


@dataclass(frozen=True)
class Target:
    """One page: where it is, as what it is judged, and whether only who came before is let in."""

    path: str
    is_console: bool
    needs_cookie: bool


@dataclass(frozen=True)
class Demo:
    """A demo that runs, and the cookies of somebody who is signed in to its console."""

    base: str
    cookie: str
    targets: tuple[Target, ...]


@contextlib.contextmanager
def demo() -> Iterator[Demo]:
    """Make a demo in a temporary folder, and stop it at the end."""
    with tempfile.TemporaryDirectory(prefix="authsvc-lighthouse-") as made:
        folder, port = Path(made), _free_port()
        command = (Path(sys.executable).with_name("authsvc"), "demo", "--port", str(port), "--out", folder / "out")
        environ = {**os.environ, "AUTHSVC_HOME": str(folder / "home")}
        environ.pop("AUTHSVC_DATABASE_URL", None)
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(command, env=environ, stdout=log, stderr=log)
            try:
                base = f"http://127.0.0.1:{port}"
                _wait(base, process)
                yield _visit(base, folder / "home")
            finally:
                process.send_signal(signal.SIGINT)
                process.wait(60)


def judge(base: str, target: Target, cookie: str, browser: str) -> dict[str, int]:
    """Let Lighthouse judge a page once; return what it gave in each category, of a hundred."""
    with tempfile.TemporaryDirectory(prefix="authsvc-lighthouse-") as folder:
        report = Path(folder) / "report.json"
        options = [f"--only-categories={','.join(CATEGORIES)}", "--output=json", f"--output-path={report}", "--quiet",
                   "--chrome-flags=--headless=new --no-sandbox --disable-gpu"]  # fmt: skip
        if target.is_console:
            options.append("--preset=desktop")
        if target.needs_cookie:
            options.append(f"--extra-headers={json.dumps({'Cookie': cookie})}")
        environ = {**os.environ, "CHROME_PATH": browser}
        command = ("node", CLI, base + target.path, *options)
        # A browser that does not come up, on a machine that is busy, has judged nothing: it is asked once more.
        for is_last in (False, True):
            if subprocess.run(command, check=is_last, env=environ, timeout=300).returncode == 0:
                break
        found = json.loads(report.read_text(encoding="utf-8"))
    keep(found, target)
    return {name: round(100 * (found["categories"][name]["score"] or 0)) for name in CATEGORIES}


def keep(found: dict[str, object], target: Target) -> None:
    """Leave the last report of a page in ``artefacts/lighthouse``, for whoever wants to know why."""
    folder = ROOT / "artefacts" / "lighthouse"
    folder.mkdir(parents=True, exist_ok=True)
    name = re.sub(r"[^a-z0-9]+", "-", target.path.lower()).strip("-")[:80] or "start"
    (folder / f"{name}.json").write_text(json.dumps(found), encoding="utf-8")


@click.command()
@click.option("--times", type=click.IntRange(1), default=3, show_default=True, help="How often each page is judged.")
@click.option("--only", default="", help="Only addresses that this regular expression finds.")
def main(times: int, only: str) -> None:
    """Judge the pages and print a table; end with 1 where one is below the bar."""
    browser = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if browser is None or shutil.which("npm") is None:
        sys.exit(
            "This step needs npm and Chromium. Install your system's packages npm and chromium, then run it again."
        )
    if not CLI.exists():
        subprocess.run(("npm", "ci", "--ignore-scripts", "--silent", "--no-audit"), cwd=FRONTEND, check=True)
    below = 0
    click.echo(f"{'page':60} {'':8} " + " ".join(f"{name:>14}" for name in CATEGORIES))
    with demo() as running:
        for target in running.targets:
            if not re.search(only, target.path):
                continue
            runs = [judge(running.base, target, running.cookie, browser) for _ in range(times)]
            medians = {name: round(statistics.median(run[name] for run in runs)) for name in CATEGORIES}
            below += min(medians.values()) < BAR
            kind = "desktop" if target.is_console else "mobile"
            click.echo(f"{target.path[:60]:60} {kind:8} " + " ".join(f"{medians[name]:14}" for name in CATEGORIES))
    click.echo(f"The bar is {BAR}. Below it: {below}.")
    sys.exit(1 if below else 0)


# --- Private ---------------------------------------------------------------------------------------------------------


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait(base: str, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + START_S
    while time.monotonic() < until:
        if process.poll() is not None:
            sys.exit("The demo did not start.")
        address = f"{base}/readyz"
        with contextlib.suppress(OSError), urllib.request.urlopen(address, timeout=5):  # noqa: S310  the demo alone
            return
        time.sleep(0.5)
    sys.exit("The demo did not start in time.")


def _visit(base: str, home: Path) -> Demo:
    """Sign in to the console of a demo, and find what there is to judge."""
    login = json.loads((home / "demo-login.json").read_text(encoding="utf-8"))
    jar = http.cookiejar.CookieJar()
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    opener.addheaders = [("Accept", "text/html")]

    def get(path: str) -> str:
        with opener.open(base + path) as answer:
            return str(answer.read().decode())

    token = re.search(r'name="form_token" value="([^"]+)"', get("/console/sign-in"))
    assert token
    form = {"form_token": token[1], "email": login["email"], "password": login["password"], "next": "/console/"}
    content = urllib.parse.urlencode(form).encode()
    request = urllib.request.Request(base + "/console/sign-in", content)  # noqa: S310  the demo alone
    request.add_header("Origin", base)
    with opener.open(request) as answer:
        assert answer.url == f"{base}/console/", answer.url
    entries = {entry["name"]: entry["path"] for entry in json.loads((home / "demo.json").read_text())["entries"]}
    copied = urllib.parse.quote(entries[COPIED].partition("?")[0], safe="")
    with opener.open(f"{base}/console/search?q={copied}") as answer:
        item = answer.url.removeprefix(base)
    linked = (*LINKED, (item, r"/console/alerts/[0-9a-f-]{36}"), (entries[REGISTRABLE], r"/own/register/[^\"]+"))
    pages = [*CONSOLE, item, *CONSUMER, *(entries[name] for name in CARDS)]
    for path, pattern in linked:
        found = re.search(rf'href="({pattern})', get(path))
        pages += [found[1]] if found else []
    targets = (
        Target(
            path,
            is_console=path.startswith("/console/"),
            # A registration belongs to the browser that made the check.
            needs_cookie=path.startswith(("/console/", "/own/register/")),
        )
        # A registration is open for half an hour after its check: it is judged while it is.
        for path in sorted(dict.fromkeys(pages), key=lambda path: not path.startswith("/own/register/"))
    )
    return Demo(base, "; ".join(f"{cookie.name}={cookie.value}" for cookie in jar), tuple(targets))


if __name__ == "__main__":
    main()
