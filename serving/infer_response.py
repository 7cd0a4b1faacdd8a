"""Answers as an Open Inference Protocol (V2) response, in JSON or with binary tensors."""

from collections.abc import Sequence

import msgspec

from lifecycle.errors import FieldProblem
from serving.answer import Answer
from serving.binary_tensors import write_numbers, write_texts
from serving.infer_request import InferRequest, Wanted
from serving.row_problems import violated

OUTPUTS = {
    "probability": ("FP64", "Probability of the positive class, 0 to 1"),
    "decision": ("BYTES", "What the policy's threshold makes of the probability"),
    "defaulted": ("BYTES", "Features that a declared default stood in for, comma-separated; empty when none"),
}
"""Datatype and meaning of every model's outputs, (n_rows,) each."""

_encode = msgspec.json.Encoder().encode


def check_outputs(request: InferRequest) -> None:
    """Raise ContractViolation when a caller asks for an output that no model has."""
    odd = [wanted.name for wanted in request.outputs if wanted.name not in OUTPUTS]
    if odd:
        raise violated(*(FieldProblem("outputs", None, name, f"one of {', '.join(OUTPUTS)}") for name in odd))


def parameters(answer: Answer) -> dict[str, str | int | float]:
    """Return the response parameters; prediction ids, and versions and tiers where several answered, by row."""
    said: dict[str, str | int | float] = {
        "version": answer.version,
        "contract": answer.contract,
        "plan_revision": answer.plan_revision,
        "tier": answer.tier,
        "prediction_ids": ",".join(answer.prediction_ids),
    }
    if answer.versions is not None:
        said["versions"] = ",".join(answer.versions)
    if answer.tiers is not None:
        said["tiers"] = ",".join(answer.tiers)
    if answer.was_translated:
        said["request_contract"] = answer.request_contract
    if answer.contracts is not None:
        said["contracts"] = ",".join(answer.contracts)
    if answer.feature_age_seconds is not None:
        said["feature_age_seconds"] = answer.feature_age_seconds
    return said


def write_infer_response(request: InferRequest, answer: Answer) -> tuple[bytes, int | None]:
    """Return the response's body, and the length of its JSON part when binary tensors follow."""
    wanted = request.outputs or [Wanted(name) for name in OUTPUTS]
    all_binary = request.parameters.get("binary_data_output") is True
    outputs: list[dict[str, object]] = []
    pieces: list[bytes] = []
    for one in wanted:
        datatype = OUTPUTS[one.name][0]
        texts = None if one.name == "probability" else _texts(one.name, answer)
        output: dict[str, object] = {"name": one.name, "datatype": datatype, "shape": [len(answer.probabilities)]}
        if one.parameters.get("binary_data", all_binary) is True:
            piece = write_numbers(answer.probabilities) if texts is None else write_texts(texts)
            output["parameters"] = {"binary_data_size": len(piece)}
            pieces.append(piece)
        else:
            output["data"] = answer.probabilities if texts is None else texts
        outputs.append(output)
    said = {"model_name": answer.model, "model_version": answer.version, "parameters": parameters(answer)}
    head = _encode(({"id": request.id} if request.id else {}) | said | {"outputs": outputs})
    return (b"".join([head, *pieces]), len(head)) if pieces else (head, None)


def _texts(name: str, answer: Answer) -> Sequence[str]:
    if name == "decision":
        return answer.decisions
    return [",".join(names) for names in answer.defaulted]
