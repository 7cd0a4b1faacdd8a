"""What a replica and the process that ships for it say to each other over pipes, a line each."""

import msgspec

ASK = b"\n"
"""Asks for a round."""


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """Whose log is shipped, and the stores it takes; sent once, before the first round.

    `parent` is the replica's process id. `descriptor` holds its folder of segments, `folder`: this process inherits it,
    so that nobody adopts the folder while this process may still commit. `name` is unlike that of any process before.
    The others are the addresses and folders of the settings; `log` is the file for log lines.
    """

    parent: int
    descriptor: int
    folder: str
    name: str
    prediction_log: str
    ledger: str
    versions: str
    policies: str
    metrics: str
    log: str


class Round(msgspec.Struct, frozen=True):
    """A round is over, or has come further; `error` is why not everything was shipped."""

    error: str | None = None
    is_over: bool = True


encode = msgspec.json.Encoder().encode
decode_task = msgspec.json.Decoder(Task).decode
decode_round = msgspec.json.Decoder(Round).decode
