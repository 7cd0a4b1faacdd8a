"""What the Open Inference Protocol says about the server and its models."""

from importlib.metadata import PackageNotFoundError, version

from lifecycle.contract import V2_DATATYPES
from serving.infer_response import OUTPUTS
from serving.models import Models, ServedModel

EXTENSIONS = ("binary_tensor_data",)


def server_metadata() -> dict[str, object]:
    """Return the server's name, version and protocol extensions."""
    try:
        release = version("holdfast")
    except PackageNotFoundError:
        release = "0+unpackaged"
    return {"name": "holdfast", "version": release, "extensions": list(EXTENSIONS)}


def model_metadata(served: ServedModel, asked: str | None) -> dict[str, object]:
    """Return a model's inputs and outputs by the contract of the champion, or of the version asked for."""
    lane = served.lanes[asked or served.champion]
    contract = lane.codec.contract
    return {
        "name": served.plan.model,
        "versions": list(served.lanes),
        "platform": lane.arm.files.manifest.format.replace("-", "_"),
        "inputs": [
            {"name": field.name, "datatype": V2_DATATYPES[field.type], "shape": [-1]} for field in contract.fields
        ],
        "outputs": [{"name": name, "datatype": kind, "shape": [-1]} for name, (kind, _) in OUTPUTS.items()],
        "parameters": {
            "contract": contract.name,
            "contracts": ",".join(one.name for one in lane.contracts.spoken),
            "champion": served.champion,
            "plan_revision": served.plan.revision,
            "max_rows": served.policy.serving.max_rows_per_request,
        },
    }


def model_list(models: Models) -> dict[str, object]:
    """Return every known model, and why one cannot answer yet."""
    ready = [
        {"name": one.plan.model, "ready": True, "champion": one.champion, "versions": list(one.lanes)}
        for one in models.serving()
    ]
    waiting = [{"name": name, "ready": False, "reason": reason} for name, reason in models.waiting().items()]
    return {"models": sorted([*ready, *waiting], key=lambda one: str(one["name"]))}
