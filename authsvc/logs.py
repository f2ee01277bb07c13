"""
How log lines look: one JSON object a line, in web processes and workers alike.

An error of the database names the row that it is about, with all that stands in it; the log does not.
"""

import re

import structlog
from structlog.typing import EventDict, WrappedLogger

# A value may hold anything, blank lines too: what ends a detail is what SQLAlchemy and Python write behind it.
_ENDS = r"^\[SQL:|^\(Background on|^\nThe above exception|^\nDuring handling|\Z"
_VALUES = re.compile(rf"^(?:DETAIL|CONTEXT):.*?(?={_ENDS})", re.MULTILINE | re.DOTALL)


def configure() -> None:
    """Let every log line of this process be JSON with its level and time."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _leave_values_out,
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.WriteLoggerFactory(),
    )


def _leave_values_out(_logger: WrappedLogger, _method: str, said: EventDict) -> EventDict:
    if isinstance(said.get("exception"), str):
        said["exception"] = _VALUES.sub("", said["exception"])
    return said
