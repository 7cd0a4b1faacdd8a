"""A stock Open Inference Protocol client works unchanged."""

import numpy as np
import pytest
import tritonclient.http as triton

from tests.end_to_end.conftest import RunningStack

pytestmark = pytest.mark.timeout(600)


def test_a_triton_client_reads_metadata_and_gets_probabilities(stack: RunningStack) -> None:
    """The client builds its inputs from nothing but the served metadata."""
    values = {"sample": 7, "mean_radius": 14.0, "mean_texture": 20.0, "mean_area": 600.0}
    types = {"INT64": np.int64, "FP64": np.float64}
    with triton.InferenceServerClient(stack.http) as client:
        assert client.is_server_live()
        assert client.is_server_ready()
        assert client.is_model_ready("breast_cancer")
        metadata = client.get_model_metadata("breast_cancer")
        inputs = []
        for tensor in metadata["inputs"]:
            built = triton.InferInput(tensor["name"], [2], tensor["datatype"])
            built.set_data_from_numpy(np.full(2, values[tensor["name"]], dtype=types[tensor["datatype"]]))
            inputs.append(built)
        answer = client.infer("breast_cancer", inputs)
    probability = answer.as_numpy("probability")
    assert probability.shape == (2,)
    assert probability[0] == probability[1]
    assert 0 < probability[0] < 1
