"""The checking process: `python -m flows.pickup.checking`, an Order on stdin, a Report on stdout.

Everything that reads a foreign file happens here, and nowhere else before a version is admitted: what crashes, hangs or
grows, crashes, hangs or grows in this process.
"""

import os
import resource
import signal
import sys
from pathlib import Path

import numpy as np
from pydantic import ValidationError

from flows.pickup.columns import inputs_of
from flows.pickup.flavor import Found, find_format
from flows.pickup.mlmodel import is_plain_file, read_mlmodel
from flows.pickup.own_example import example_matrix
from flows.pickup.report import PATIENCE, Order, Report
from flows.pickup.self_test import run_self_test
from lifecycle.admission import Problem
from lifecycle.errors import ArtifactInvalid, HoldfastError
from lifecycle.manifest import Manifest
from stores.formats.loading import load_model
from stores.formats.onnx_file import weights_of
from stores.versions import MANIFEST

LOW_PRIORITY = 10


def check(order: Order) -> Report:
    """Return what a version's folder holds and how it did, or every problem found before it could be tried."""
    problems: list[Problem] = []
    found: Found | None = None
    inputs: tuple[str, ...] | None = None
    matrix = np.empty((0, 0), dtype=np.float32)
    try:
        _refuse_links(order.folder)
        document = read_mlmodel(order.folder)
    except ArtifactInvalid as error:
        return Report(problems=(Problem(check="files", reason=str(error)),))
    try:
        found = find_format(order.folder, document, order.allowed_formats)
    except ArtifactInvalid as error:
        problems.append(Problem(check="format", reason=str(error)))
    try:
        order = _made_for(order)
        inputs = inputs_of(document, order.vector)
    except ArtifactInvalid as error:
        problems.append(Problem(check="contract", reason=str(error)))
    else:
        taken = order.vector if inputs is None else inputs
        defaults = dict(zip(order.vector, order.defaults, strict=True))
        try:
            matrix = example_matrix(order.folder, document, taken, [defaults[name] for name in taken])
        except ArtifactInvalid as error:
            problems.append(Problem(check="example", reason=str(error)))
    if problems or found is None:
        return Report(problems=tuple(problems))
    return _try(order, found, inputs, matrix)


def _try(order: Order, found: Found, inputs: tuple[str, ...] | None, matrix: np.ndarray) -> Report:
    taken = order.vector if inputs is None else inputs
    try:
        weights = weights_of(order.folder / found.model_file) if found.format == "onnx" else ()
        tested = run_self_test(load_model(found.format, order.folder / found.model_file, taken), matrix)
    except HoldfastError as error:
        return Report(problems=(Problem(check="self-test", reason=str(error)),))
    return Report(
        contract=order.contract.name,
        format=found.format,
        model_file=found.model_file,
        files=(found.model_file, *weights),
        inputs=inputs,
        features=tuple(tuple(row) for row in matrix.astype(np.float64).tolist()),
        scores=tuple(tested.scores.tolist()),
        latency_ms_1_row=tested.latency_ms_1_row,
        latency_ms_64_rows=tested.latency_ms_64_rows,
    )


def _refuse_links(folder: Path) -> None:
    for path in folder.rglob("*"):
        if not path.is_symlink() and path.is_dir():
            continue
        if not is_plain_file(path):
            raise ArtifactInvalid(f"{path.relative_to(folder)} is a link; allowed: plain files. Log the model again.")


def _made_for(order: Order) -> Order:
    """Return the order by the contract that the version's own manifest tells of, today's without a manifest.

    Raises ArtifactInvalid for a contract that this code does not have.
    """
    path = order.folder / MANIFEST
    if not is_plain_file(path):
        return order
    try:
        theirs = Manifest.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise ArtifactInvalid(f"Its {MANIFEST} cannot be read. Train it again, or log it without one.") from error
    digest = theirs.contract.digest()
    if digest == order.contract.digest():
        return order
    for made in order.older:
        if digest == made.contract.digest():
            return order.made_for(made)
    raise ArtifactInvalid(
        f"It was made for another contract ({theirs.contract.name}, {digest[:12]}) than is "
        f"served ({order.contract.name}, {order.contract.digest()[:12]}). Train it again with today's definition."
    )


def _limit_myself(order: Order) -> None:
    os.nice(LOW_PRIORITY)
    # The watcher outside looks at what is used in memory; this stops a leap before it can look.
    most = order.memory_mb * 2 * 1024 * 1024
    resource.setrlimit(resource.RLIMIT_DATA, (most, most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # Both end this process even inside C code, and when the one that watches it is gone.
    resource.setrlimit(resource.RLIMIT_CPU, (order.seconds, order.seconds + 1))
    signal.alarm(order.seconds * PATIENCE + 5)


def main() -> None:
    """Check what stdin asks for and print the report alone on stdout."""
    answer = os.dup(1)
    os.dup2(2, 1)
    order = Order.model_validate_json(sys.stdin.buffer.read())
    _limit_myself(order)
    report = check(order)
    with os.fdopen(answer, "w", encoding="utf-8") as out:
        out.write(report.model_dump_json())
    # Not even what a file left behind for the end of the process runs.
    os._exit(0)


if __name__ == "__main__":
    main()
