"""Recorded requests, sent as live traffic to the HTTP endpoint in their recorded order."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import httpx
import pandas as pd

from lifecycle.contract import V2_DATATYPES, Contract, FieldType
from lifecycle.errors import Unavailable


@dataclass
class Tally:
    """What came back: answered and failed requests, and the client's wait per answer in milliseconds."""

    latencies_ms: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    @property
    def answered(self) -> int:
        """Number of requests that got a prediction."""
        return len(self.latencies_ms)


class Traffic:
    """A client of one model's V2 endpoint over one kept-alive connection."""

    def __init__(self, address: str, contract: Contract, timeout_seconds: float = 30.0) -> None:
        self._client = httpx.Client(
            base_url=address, timeout=timeout_seconds, headers={"X-Holdfast-Contract": contract.name}
        )
        self._contract = contract
        self.tally = Tally()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def send(self, rows: pd.DataFrame) -> None:
        """Send one request per row, in order, and count what comes back; a refusal is kept word for word."""
        for body in _bodies(rows, self._contract):
            started = time.perf_counter()
            try:
                answer = self._client.post(f"/v2/models/{self._contract.model}/infer", json=body)
            except httpx.TransportError as error:
                self.tally.failures.append(f"{type(error).__name__}: {error}")
                continue
            waited_ms = (time.perf_counter() - started) * 1e3
            if answer.is_success:
                self.tally.latencies_ms.append(waited_ms)
            else:
                self.tally.failures.append(f"{answer.status_code}: {answer.text[:300]}")

    def wait_until_serving(self, version: str, seconds: float) -> None:
        """Return once the gateway answers for this version; raises Unavailable when it takes too long."""
        path = f"/v2/models/{self._contract.model}/versions/{version}/ready"
        deadline = time.monotonic() + seconds
        said = "nothing"
        while time.monotonic() < deadline:
            try:
                answer = self._client.get(path)
                if answer.is_success:
                    return
                said = answer.text[:300]
            except httpx.TransportError as error:
                said = str(error)
            time.sleep(0.2)
        raise Unavailable(
            f"version {version} of {self._contract.model} was not ready after {seconds:.0f} s at "
            f"{self._client.base_url}; it said: {said}. Look at gateway.log in the state folder's run/."
        )


def _bodies(rows: pd.DataFrame, contract: Contract) -> Iterator[dict[str, object]]:
    values = {known.name: _plain(rows[known.name], known.type) for known in contract.fields}
    for row in range(len(rows)):
        tensors = [
            {"name": known.name, "shape": [1], "datatype": V2_DATATYPES[known.type], "data": [values[known.name][row]]}
            for known in contract.fields
        ]
        yield {"inputs": tensors}


def _plain(column: pd.Series, kind: FieldType) -> list[object]:
    if kind is FieldType.TIMESTAMP:
        return list(column.dt.strftime("%Y-%m-%dT%H:%M:%SZ"))
    plain: list[object] = column.astype(object).where(column.notna(), None).tolist()
    return plain
