"""A secret that is drawn at the first need and kept in the state folder, for its owner alone."""

import os
import secrets
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile


def kept_secret(path: Path) -> str:
    """Return the secret in a file, drawn and kept there when it is not there yet.

    Of several processes that need it first at once, all return the same.
    """
    try:
        return path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return _make(path)


def _make(path: Path) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    # Made readable for its owner alone, whole, and under its name only when nobody was faster.
    with NamedTemporaryFile("w", dir=path.parent, prefix=".secret-", encoding="ascii") as part:
        part.write(secrets.token_urlsafe(32))
        part.flush()
        with suppress(FileExistsError):
            os.link(part.name, path)
    return path.read_text(encoding="ascii").strip()
