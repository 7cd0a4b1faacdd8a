"""What the checking process finds in a folder: good versions of every format, and what is wrong with others."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pandas as pd
import pytest
import xgboost

from flows.pickup.checking import check
from flows.pickup.report import Made, Report
from lifecycle.contract import Contract
from lifecycle.manifest import Manifest
from tests.flows import toy
from tests.flows.pickup.conftest import Ordering
from tests.flows.pickup.made import COLUMNS, alter, frame, graph, pipeline, rename_column, write, write_sklearn
from tests.stores.artifacts import write_version


def reasons(report: Report) -> str:
    """Return what a report finds wrong, each with the name of its check."""
    return "\n".join(f"{problem.check}: {problem.reason}" for problem in report.problems)


def test_good_pipeline_is_scored_on_its_own_example(version: Path, order: Ordering) -> None:
    """Columns, files, scores and latencies of a scikit-learn pipeline in skops form."""
    report = check(order(version))
    assert reasons(report) == ""
    assert (report.format, report.files, report.inputs) == ("sklearn-skops", ("model.skops",), COLUMNS)
    expected = pipeline(frame()).predict_proba(frame().head(8).astype(np.float32))[:, 1]
    assert np.allclose(report.scores, expected, rtol=1e-6)
    assert 0 < (report.latency_ms_1_row or 0) < 1000
    assert 0 < (report.latency_ms_64_rows or 0) < 1000


@pytest.mark.parametrize("kind", ["booster", "classifier", "json"])
def test_good_booster_is_scored(tmp_path: Path, order: Ordering, kind: str) -> None:
    """A Booster and an XGBClassifier, as ubj and as JSON, give the probabilities that predict_proba gives."""
    features = frame(columns=toy.DEFINITION.vector)
    made = xgboost.XGBClassifier(n_estimators=5, n_jobs=1).fit(features, features["level"] > 0)
    write(
        "xgboost",
        tmp_path / "version",
        made if kind == "classifier" else made.get_booster(),
        features,
        model_format="json" if kind == "json" else "ubj",
    )
    report = check(order(tmp_path / "version"))
    assert reasons(report) == ""
    assert report.inputs is None
    assert np.allclose(report.scores, made.predict_proba(features.head(8).astype(np.float32))[:, 1])


@pytest.mark.parametrize("beside", [False, True])
def test_good_graph_is_scored(tmp_path: Path, order: Ordering, beside: bool) -> None:  # noqa: FBT001 - a case
    """An ONNX graph with its weights inside, or in a file beside it that is pinned as well."""
    features = frame()
    folder = tmp_path / "version"
    write("onnx", folder, graph(), features, save_as_external_data=False)
    if beside:
        (folder / "model.onnx").unlink()
        onnx.save_model(
            graph(), folder / "model.onnx", save_as_external_data=True, location="weights.bin", size_threshold=0
        )
    report = check(order(folder))
    assert reasons(report) == ""
    assert report.files == (("model.onnx", "weights.bin") if beside else ("model.onnx",))
    expected = 1 / (1 + np.exp(-features.head(8).sum(axis=1)))
    assert np.allclose(report.scores, expected, rtol=1e-5)


def _forest(document: dict[str, Any]) -> None:
    document["flavors"]["catboost"] = {}


def _loader(document: dict[str, Any]) -> None:
    document["flavors"]["python_function"]["loader_module"] = "poison"


def _code(document: dict[str, Any]) -> None:
    document["flavors"]["python_function"]["code"] = "code"


def _flavor_code(document: dict[str, Any]) -> None:
    document["flavors"]["sklearn"]["code"] = "code"


def _above(document: dict[str, Any]) -> None:
    document["flavors"]["sklearn"]["pickled_model"] = "../model.skops"


def _absolute(document: dict[str, Any]) -> None:
    document["flavors"]["sklearn"]["pickled_model"] = "/etc/passwd"


def _no_signature(document: dict[str, Any]) -> None:
    del document["signature"]


def _unknown_column(document: dict[str, Any]) -> None:
    rename_column(document, "asked_load", "asked_lode")


def _doubled_column(document: dict[str, Any]) -> None:
    rename_column(document, "asked_load", "level")


def _text_column(document: dict[str, Any]) -> None:
    document["signature"]["inputs"] = document["signature"]["inputs"].replace("double", "string")


def _nameless(document: dict[str, Any]) -> None:
    document["signature"]["inputs"] = json.dumps(
        [{"type": "tensor", "tensor-spec": {"dtype": "float64", "shape": [-1, 2]}}]
    )


def _no_example(document: dict[str, Any]) -> None:
    del document["saved_input_example_info"]


def _pickle(document: dict[str, Any]) -> None:
    document["flavors"]["sklearn"]["serialization_format"] = "pickle"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_forest, "format: Its flavors are 'catboost'.*; allowed: one of xgboost, sklearn, onnx"),
        (_loader, "format: It wants to be loaded by 'poison'; allowed: 'mlflow.sklearn'"),
        (_code, "format: It brings code of its own .*Log it without code_paths"),
        (_flavor_code, "format: It brings code of its own"),
        (_above, "format: MLmodel gives '../model.skops' .*allowed: the plain name of a file beside it"),
        (_absolute, "format: MLmodel gives '/etc/passwd'"),
        (_no_signature, "contract: It has no signature.*infer_signature"),
        (_unknown_column, r"contract: .*'asked_lode' \(did you mean asked_load\?\).*level, late_share, asked_load"),
        (_doubled_column, "contract: Its signature names level more than once"),
        (_text_column, "contract: .*asked_load is 'string'; allowed: double, float, integer, long"),
        (_nameless, r"contract: .*shape \[-1, 2\]; without names, only \[-1, 3\] is allowed"),
        (_no_example, "example: It has no input example.*input_example=X.head"),
        (_pickle, "format: Its format is sklearn-pickle;.*Use serialization_format='skops'"),
    ],
)
def test_description_that_asks_for_more_is_refused(
    version: Path, order: Ordering, change: Callable[[dict[str, Any]], None], words: str
) -> None:
    """Each refusal names the value, what is allowed, and what to do."""
    alter(version, change)
    report = check(order(version))
    assert report.scores == ()
    assert len(report.problems) == 1
    assert re.search(words, reasons(report))


def test_all_that_is_wrong_is_told_at_once(version: Path, order: Ordering) -> None:
    """Nobody has to register three times to learn three things."""
    for change in (_code, _unknown_column):
        alter(version, change)
    assert [problem.check for problem in check(order(version)).problems] == ["format", "contract"]


def test_bomb_of_anchors_is_refused_unread(version: Path, order: Ordering) -> None:
    """A few lines of YAML can stand for gigabytes."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]" for level in range(1, 12)]
    (version / "MLmodel").write_text("\n".join(lines), encoding="utf-8")
    assert "files: MLmodel line 1 has an anchor" in reasons(check(order(version)))


@pytest.mark.parametrize("text", ["[" * 5000, "x" * 300_000, "a: !!python/object/apply:os.system [id]", "- a", "\x00"])
def test_description_that_is_no_plain_yaml_is_refused(version: Path, order: Ordering, text: str) -> None:
    """Deep, long, typed or torn: a reason each, and no crash."""
    (version / "MLmodel").write_text(text, encoding="utf-8")
    (problem,) = check(order(version)).problems
    assert problem.check == "files"
    assert "MLmodel" in problem.reason


@pytest.mark.parametrize("name", ["model.skops", "MLmodel", "input_example.json", "other"])
def test_link_anywhere_is_refused(version: Path, order: Ordering, tmp_path: Path, name: str) -> None:
    """A link could point at anything on this machine."""
    (tmp_path / "elsewhere").write_bytes((version / "MLmodel").read_bytes())
    (version / name).unlink(missing_ok=True)
    (version / name).symlink_to(tmp_path / "elsewhere")
    assert "files: " in reasons(check(order(version)))


def test_version_of_another_contract_is_refused(tmp_path: Path, order: Ordering, version: Path) -> None:
    """A package that says itself for which requests it was trained is held to that."""
    write_version(tmp_path / "ours")
    shutil.copy(tmp_path / "ours" / "manifest.json", version)
    assert "contract: It was made for another contract (toy_v1, " in reasons(check(order(version)))
    same = Contract.model_validate_json(toy.CONTRACT.model_dump_json())
    assert reasons(check(order(version, contract=same))) != ""


def test_column_of_numbers_with_gaps_takes_its_default(tmp_path: Path, order: Ordering) -> None:
    """As serving fills a missing feature, so does the example."""
    features = frame()
    features.loc[0, "level"] = np.nan
    write_sklearn(tmp_path / "version", pipeline(frame()), frame(), input_example=features.head(4))
    report = check(order(tmp_path / "version"))
    assert reasons(report) == ""
    assert report.features[0][1] == 0.0


def test_graph_that_gives_no_probabilities_is_refused(tmp_path: Path, order: Ordering) -> None:
    """A score of 3 is no probability, and the message shows it."""
    features = pd.DataFrame(np.full((8, 2), 1.5), columns=list(COLUMNS))
    write("onnx", tmp_path / "version", graph(output="Identity"), features, save_as_external_data=False)
    assert "self-test: On its own example, the model gave " in (told := reasons(check(order(tmp_path / "version"))))
    assert "3.0" in told
    assert "allowed: probabilities from 0 to 1" in told


def test_version_of_an_older_contract_that_is_in_use_is_checked_by_it(
    tmp_path: Path, order: Ordering, version: Path
) -> None:
    """By its own vector; the report says which contract that was."""
    write_version(tmp_path / "ours")
    shutil.copy(tmp_path / "ours" / "manifest.json", version)
    contract = Manifest.model_validate_json((version / "manifest.json").read_bytes()).contract
    asked = order(version, vector=("others",), defaults=(0.0,))
    made = Made(contract=contract, vector=toy.DEFINITION.vector, defaults=tuple(toy.DEFINITION.defaults.tolist()))
    assert "It was made for another contract" in reasons(check(asked))
    report = check(asked.model_copy(update={"older": (made,)}))
    assert reasons(report) == ""
    assert (report.contract, report.inputs) == (contract.name, COLUMNS)
