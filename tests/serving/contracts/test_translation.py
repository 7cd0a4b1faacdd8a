"""What a projection makes, the other contract's own decoder accepts: the proof holds for the rows that are served."""

import msgspec
from hypothesis import given, settings

from feature_repo.editions import Way
from lifecycle.contract import FieldValue
from lifecycle.errors import ContractViolation
from serving.contracts import Translation
from serving.rows import RowCodec
from tests.lifecycle.test_projection import NEW, OLD, PROJECTION, V1, V2

CODEC_V1, CODEC_V2 = RowCodec(V1, 1), RowCodec(V2, 1)
UP = Translation(CODEC_V1, CODEC_V2, Way(PROJECTION, None))
DOWN = Translation(CODEC_V2, CODEC_V1, Way(None, PROJECTION))


def body(row: dict[str, FieldValue]) -> bytes:
    """Return a request of one row, as a client writes it."""
    return msgspec.json.encode({"rows": [row]})


def again(codec: RowCodec, row: msgspec.Struct) -> msgspec.Struct:
    """Return a row written and read again by a contract; raises ContractViolation when that refuses it."""
    (read,) = codec.from_json(b'{"rows":[' + codec.as_json(row).encode() + b"]}")
    return read


@given(OLD)
def test_every_old_row_becomes_one_that_the_new_decoder_reads(row: dict[str, FieldValue]) -> None:
    """And reads as the very same row."""
    (made,) = UP(CODEC_V1.from_json(body(row)))
    assert again(CODEC_V2, made) == made


@settings(max_examples=500)
@given(NEW)
def test_new_row_becomes_an_old_one_that_leads_back_to_it_or_is_refused(row: dict[str, FieldValue]) -> None:
    """No row in between: none that the old decoder refuses, none that says something else."""
    try:
        rows = CODEC_V2.from_json(body(row))
        (made,) = DOWN(rows)
    except ContractViolation:
        return
    assert again(CODEC_V1, made) == made
    assert UP([made]) == rows
