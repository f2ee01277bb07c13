"""A private PostgreSQL that a soak can kill at one blow and start again on the same data and address."""

import subprocess
import sys
from pathlib import Path

import psutil

ROOT = Path(__file__).parent.parent
KEEPER = """
import sys
from pathlib import Path
from authsvc import db
with db.embedded(Path(sys.argv[1])) as url:
    print(url, flush=True)
    sys.stdin.read()
"""
_PATIENCE_S = 90.0


class Server:
    """A PostgreSQL of our own that can be killed and comes back."""

    def __init__(self, folder: Path) -> None:
        self._data = folder / "postgres"
        self._keeper: subprocess.Popen[str] | None = None
        self.kills = 0

    def start(self) -> str:
        """Start it and return its address."""
        self._keeper = subprocess.Popen(
            [sys.executable, "-c", KEEPER, str(self._data)], cwd=ROOT, text=True, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
        assert self._keeper.stdout is not None
        url = self._keeper.stdout.readline().strip()
        if not url:
            raise RuntimeError("The database did not start.")
        return url

    def kill(self) -> None:
        """Kill it at one blow, with whoever keeps it, and start it again."""
        pid = int((self._data / "postmaster.pid").read_text(encoding="ascii").split()[0])
        postmaster = psutil.Process(pid)
        if str(self._data) not in postmaster.cmdline():
            raise RuntimeError("This is not our database.")
        family = [postmaster, *postmaster.children(recursive=True)]
        postmaster.kill()
        assert self._keeper is not None
        self._keeper.kill()
        self._keeper.wait()
        psutil.wait_procs(family, timeout=30)
        self.kills += 1
        self.start()

    def stop(self) -> None:
        """Stop it as it stops with its last user."""
        if self._keeper is not None and self._keeper.poll() is None:
            assert self._keeper.stdin is not None
            self._keeper.stdin.close()
            self._keeper.wait(_PATIENCE_S)
