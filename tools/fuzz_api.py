"""
Throw requests at the API for as long as is said: ``python -m tools.fuzz_api --seconds 600``.

An installation with a brand, products, codes and a key that may do everything runs in a temporary folder: PostgreSQL,
``authsvc serve`` and ``authsvc worker``. Schemathesis reads ``/api/openapi.json`` and sends what fits it and what does
not, in single requests and in chains. Every check of it is on; ``tools/fuzz_api.toml`` says which refusals are fair,
and ``tools/fuzz_api_checks.py`` adds what only we can know. The exit code is its own: 0 when nothing was found.
"""

import csv
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import click

ROOT = Path(__file__).parent.parent
CONFIG = ROOT / "tools" / "fuzz_api.toml"
AUTHSVC = (sys.executable, "-c", "from authsvc.cli import main; main()")
PRODUCTS = """\
gtin,brand,name,granularity,category,description,warranty_months,claim,attributes
09506000134352,halden,Meridian 38,serial,watch,"Automatic, 38 mm",24,none,"{""noun"": ""watch""}"
09506000134369,halden,Meridian shirts,hybrid,,,,,
09506000134376,halden,Halden wine,batch,,,,,
"""
_PATIENCE_S = 240.0


@click.command(help=__doc__)
@click.option("--seconds", default=600, show_default=True)
@click.option(
    "--workers", default=1, show_default=True, help="Requests at a time; more make Python 3.11 itself stumble."
)
@click.option("--report", type=click.Path(path_type=Path), help="A folder for the reports of Schemathesis.")
@click.argument("options", nargs=-1)
def main(seconds: int, workers: int, report: Path | None, options: tuple[str, ...]) -> None:
    """Set up, serve, fuzz."""
    with tempfile.TemporaryDirectory(prefix="authsvc-fuzz-") as folder:
        place = Path(folder)
        port = _free_port()
        base = f"http://127.0.0.1:{port}"
        env = {name: value for name, value in os.environ.items() if not name.startswith("AUTHSVC_")}
        env |= {"AUTHSVC_HOME": str(place / "home"), "AUTHSVC_BASE_URL": base}
        log = (place / "log").open("w")
        key = _set_up(place, env)
        config = _configure(place)
        started = [
            subprocess.Popen([*AUTHSVC, *command], cwd=ROOT, env=env, stdout=log, stderr=log)
            for command in (("serve", "--port", str(port)), ("worker",))
        ]
        try:
            _wait(base)
            code = subprocess.call(
                [
                    Path(sys.executable).parent / "schemathesis", "--config-file", str(config), "run",
                    f"{base}/api/openapi.json", "-H", f"Authorization: Bearer {key}",
                    "--max-time", str(seconds), "--workers", str(workers), "--continue-on-failure", "--no-color",
                    *(("--report", "ndjson,json", "--report-dir", str(report.resolve())) if report else ()), *options,
                ],
                cwd=place, env={**env, "SCHEMATHESIS_HOOKS": "tools.fuzz_api_checks", "PYTHONPATH": str(ROOT)},
            )  # fmt: skip
        finally:
            for process in started:
                process.terminate()
            for process in started:
                process.wait(_PATIENCE_S)
        faults = [line for line in (place / "log").read_text().splitlines() if "unexpected-error" in line]
        print(f"{len(faults)} unexpected errors in the log of the service.")
        print("\n".join(faults[:5]))
    sys.exit(code or bool(faults))


def _set_up(place: Path, env: dict[str, str]) -> str:
    """Make an installation with things to find, and return the secret of a key."""
    (place / "products.csv").write_text(PRODUCTS)
    scopes = _run(env, "-c", "from authsvc.core.api_keys import SCOPES; print(*SCOPES)").split()
    for command in (
        ("init",),
        ("brands", "add", "halden", "--name", "Halden", "--gcp", "9506000"),
        ("keys", "new", "--brand", "halden"),
        ("products", "import", str(place / "products.csv")),
        ("issue", "--gtin", "09506000134352", "--lot", "B1", "--count", "500", "--out", str(place / "codes.csv")),
    ):
        _run(env, *AUTHSVC[1:], *command)
    return _run(
        env, *AUTHSVC[1:], "api-key", "new", "--brand", "halden", "--name", "Fuzz", "--per-minute", "60000",
        *(part for scope in scopes for part in ("--scope", scope)),
    ).strip()  # fmt: skip


def _configure(place: Path) -> Path:
    """Write the configuration, with words that lead to what is there; half of the values are drawn from them."""
    with (place / "codes.csv").open(encoding="ascii") as file:
        rows = [row for _, row in zip(range(20), csv.DictReader(file), strict=False)]
    words: dict[str, list[str | int]] = {
        "gtin": ["09506000134352", "09506000134369", "09506000134376"],
        "lot": ["B1", "B2"],
        "run": [1, 2],
        "recall_id": [1, 2, 3],
        "serial": [row["serial"] for row in rows],
        "sgtin": [f"{row['gtin']}.{row['serial']}" for row in rows],
    }
    text = CONFIG.read_text()
    for name, values in words.items():
        text += f"\n[dictionaries.{name}]\nvalues = {json.dumps(values)}\n"
    for name in words:
        for part in ("path", "query") if name == "gtin" else ("path",):
            text += f'\n[parameters."{part}.{name}"]\ndictionary = "{name}"\nprobability = 0.5\n'
    file_name = place / "schemathesis.toml"
    file_name.write_text(text)
    return file_name


def _run(env: dict[str, str], *arguments: str) -> str:
    return subprocess.run([sys.executable, *arguments], cwd=ROOT, env=env, check=True, capture_output=True,
                          text=True).stdout  # fmt: skip


def _free_port() -> int:
    with socket.socket() as plug:
        plug.bind(("127.0.0.1", 0))
        port: int = plug.getsockname()[1]
        return port


def _wait(base: str) -> None:
    for _ in range(int(_PATIENCE_S * 5)):
        try:
            urllib.request.urlopen(f"{base}/readyz", timeout=2)  # noqa: S310  our own address
        except OSError:
            time.sleep(0.2)
        else:
            return
    raise RuntimeError("The service did not start.")


if __name__ == "__main__":
    main()
