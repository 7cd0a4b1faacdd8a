"""The contract's example row as a stored frame has it."""

import pandas as pd

from lifecycle.contract import Contract, FieldType


def example_frame(contract: Contract) -> pd.DataFrame:
    """Return a frame of one row, the example of every field; times are datetime64[us, UTC]."""
    frame = pd.DataFrame([contract.example_row()])
    for field in contract.fields:
        if field.type is FieldType.TIMESTAMP:
            moments = pd.to_datetime(frame[field.name], utc=True, format="ISO8601")
            frame[field.name] = moments.astype("datetime64[us, UTC]")
    return frame
