"""Where a replica's own log lines go: a file, because Ray gives a worker's output no place to be read."""

from pathlib import Path

import structlog

FILE = "gateway.log"


def log_to(path: Path) -> None:
    """Append structlog's lines to a file as JSON, one object a line; replicas may share the file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = path.open("a", buffering=1, encoding="utf-8")
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.WriteLoggerFactory(file=lines),
    )
