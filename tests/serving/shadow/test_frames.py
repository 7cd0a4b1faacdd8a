"""What goes through the pipes comes out as it went in, or not at all."""

from io import BytesIO

import pyarrow as pa

from serving.shadow.frames import Ack, Ready, Refused, decode_message, encode_message, frame, frames
from stores.prediction_log.schema import SCHEMA
from tests.serving.shadow.conftest import champion_rows


def test_batches_come_out_as_they_went_in() -> None:
    """A payload is as long as its head says."""
    batches = [champion_rows("a", "b"), champion_rows("c")]
    pipe = BytesIO(b"".join(frame(batch.serialize()) for batch in batches))
    assert [pa.ipc.read_record_batch(pa.py_buffer(payload), SCHEMA) for payload in frames(pipe)] == batches


def test_payload_that_is_cut_short_is_left_out() -> None:
    """The other end was killed in the middle of it."""
    whole = frame(b"first") + frame(b"second")
    for cut in range(1, len(frame(b"second"))):
        assert list(frames(BytesIO(whole[:-cut]))) == [b"first"]


def test_messages_are_lines_that_tell_their_kind() -> None:
    """Each kind is read as what it was."""
    for message in (Ready(1.5), Refused("no\nmodel", version_failed=True), Ack(1, 2, 3, 4.5, 6.5)):
        line = encode_message(message)
        assert line.count(b"\n") == 1
        assert decode_message(line) == message
