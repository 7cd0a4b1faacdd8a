"""Where a version comes from: the code, the data, the contract and the environment that made it."""

import hashlib
import json
import platform
import shutil
import subprocess
from importlib.metadata import version
from pathlib import Path

import feature_repo
import flows.training
import lifecycle
from feature_repo.definition import ModelDefinition
from flows.training.labelling import CAPTURE, OUTCOME
from flows.training.rows import Rows, TrainingRows
from lifecycle.policy import Policy

LIBRARIES = ("xgboost", "scikit-learn", "numpy", "pandas", "feast", "mlflow", "great-expectations", "pyarrow")
LOCK = "requirements.lock"
UNKNOWN = "unknown"


def lineage(definition: ModelDefinition, policy: Policy, rows: TrainingRows) -> dict[str, str]:
    """Return the tags that lead from a version back to what made it; times are ISO 8601 UTC."""
    root = _root()
    window = rows.window
    return {
        "code_revision": code_revision(root),
        "code_sha256": code_digest(),
        "data_sha256": rows.digest,
        "window_start_at": window.start_at.isoformat(),
        "window_split_at": window.split_at.isoformat(),
        "window_end_at": window.end_at.isoformat(),
        "labels_matured_at": window.matured_at.isoformat(),
        "learned_rows": str(len(rows.learn.labels)),
        "judged_rows": str(len(rows.judge.labels)),
        **_peoples(policy, rows),
        "feature_service": definition.contract.name,
        "contract": definition.contract.name,
        "contract_sha256": definition.contract.digest(),
        "policy_revision": policy.revision(),
        "python": platform.python_version(),
        "libraries": json.dumps({name: version(name) for name in LIBRARIES}),
        "lock_sha256": _lock_digest(root),
    }


def _peoples(policy: Policy, rows: TrainingRows) -> dict[str, str]:
    """Return how many rows have their label from people, and what those that were learned from counted."""
    learned, judged = _by_people(rows.learn), _by_people(rows.judge)
    captured = 0 if rows.learn.sources is None else int((rows.learn.sources == CAPTURE).sum())
    return {
        "learned_rows_by_people": str(learned - captured),
        "learned_rows_captured": str(captured),
        "judged_rows_by_people": str(judged),
        "person_weight": f"{policy.retraining.person_weight:g}",
        "captured_weight": f"{policy.retraining.captured_weight:g}",
    }


def _by_people(rows: Rows) -> int:
    return 0 if rows.sources is None else int((rows.sources != OUTCOME).sum())


def code_revision(root: Path) -> str:
    """Return the Git commit of a source tree, or "unknown" where there is no Git or no repository."""
    git = shutil.which("git")
    if git is None:
        return UNKNOWN
    command = [git, "-C", str(root), "rev-parse", "HEAD"]
    found = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - a fixed command
    return found.stdout.strip() if found.returncode == 0 else UNKNOWN


def code_digest() -> str:
    """Return the SHA-256 over the sources that make features and models; an uncommitted change shows in it."""
    digest = hashlib.sha256()
    for package in (lifecycle, feature_repo, flows.training):
        for folder in map(Path, package.__path__):
            for source in sorted(folder.rglob("*.py")):
                digest.update(f"{package.__name__}/{source.relative_to(folder)}\n".encode())
                digest.update(source.read_bytes())
    return digest.hexdigest()


def _lock_digest(root: Path) -> str:
    lock = root / LOCK
    return hashlib.sha256(lock.read_bytes()).hexdigest() if lock.is_file() else UNKNOWN


def _root() -> Path:
    return Path(next(iter(lifecycle.__path__))).parent
