"""Where structured log lines go: one JSON object per line."""

from pathlib import Path

import structlog


def log_to_file(path: Path) -> None:
    """Send every log line of this process to a file, so that a terminal shows only what a person asked for."""
    path.parent.mkdir(parents=True, exist_ok=True)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        # The file stays open for the life of the process, as a log does.
        logger_factory=structlog.WriteLoggerFactory(path.open("a", buffering=1)),
        cache_logger_on_first_use=False,
    )
