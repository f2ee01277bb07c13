"""The command line as a test uses it: in this process, on a database and a home of its own."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from authsvc.cli import main
from authsvc.cli.workplace import Workplace, opened
from authsvc.config import Config


@dataclass(frozen=True, slots=True)
class Result:
    """How a command ended and what it printed."""

    code: int
    out: str
    err: str


Command = Callable[..., Result]


@pytest.fixture
def authsvc(
    config: Config, database: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    """Return a function that runs a command; ``code`` is what it is expected to end with."""
    for name in ("AUTHSVC_SCAN_DATABASE_URL", "AUTHSVC_CONSOLE_DATABASE_URL"):
        # `serve` sets these for its workers: whatever it left is gone after the test, and before.
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    monkeypatch.setenv("AUTHSVC_HOME", str(config.home))
    monkeypatch.setenv("AUTHSVC_SECRET", config.secret.hex())
    monkeypatch.setenv("AUTHSVC_DATABASE_URL", database)
    monkeypatch.setenv("AUTHSVC_BASE_URL", config.base_url)

    def run(*arguments: object, code: int = 0) -> Result:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        found = Result(int(ended.value.code or 0), *capsys.readouterr())
        assert found.code == code, found
        return found

    return run


@pytest.fixture
def place(config: Config, database: str) -> Iterator[Workplace]:
    """Return the workplace of the same installation, to look behind the commands."""
    with opened(replace(config, database_url=database)) as place:
        yield place


@pytest.fixture
def halden(authsvc: Command, tmp_path: Path) -> Command:
    """Return the command line of an installation with one brand, an active key and three products."""
    authsvc("brands", "add", "halden", "--name", "Halden", "--gcp", "9506000")
    authsvc("keys", "new", "--brand", "halden")
    file = tmp_path / "products.csv"
    file.write_text(
        "gtin,brand,name,granularity,claim,warranty_months\n"
        "09506000134352,halden,Halden Watch,serial,required,24\n"
        "09506000134369,halden,Halden Shirts,hybrid,,\n"
        "09506000134376,halden,Halden Wine,batch,,\n"
    )
    authsvc("products", "import", file)
    return authsvc
