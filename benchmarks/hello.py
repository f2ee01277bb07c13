"""What every throughput is compared with: a Flask application that does nothing, served as ``authsvc serve`` serves."""

import sys

from flask import Flask
from granian.constants import Interfaces
from granian.log import LogLevels
from granian.server import Server

from authsvc.cli.serving import THREADS
from benchmarks.stand import ROOT, WORKERS

app = Flask("hello")


@app.get("/")
def hello() -> tuple[str, dict[str, str]]:
    """Answer as little as an answer can be."""
    return "hello", {"Content-Type": "text/plain"}


if __name__ == "__main__":
    Server(
        "benchmarks.hello:app",
        address="127.0.0.1",
        port=int(sys.argv[1]),
        interface=Interfaces.WSGI,
        workers=WORKERS,
        blocking_threads=THREADS,
        log_level=LogLevels.error,
        working_dir=ROOT,
    ).serve()
