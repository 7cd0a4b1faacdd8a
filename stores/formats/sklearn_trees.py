"""Proof that a decision tree read from a file stays inside its own memory.

scikit-learn follows a tree's numbers without looking: a child or column that is not there makes it read whatever lies
beside. skops therefore trusts no tree by itself (see its `UNTRUSTED_TYPE_REASONS`). A tree whose children all come
after their parent, exist, and split on columns that exist, ends at a leaf after at most as many steps as it has nodes.
"""

import numpy as np

from lifecycle.errors import ArtifactInvalid

TREE = "sklearn.tree._tree.Tree"
HISTOGRAM_TREE = "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor"


def require_sound_tree(tree: object, columns: int) -> None:
    """Raise ArtifactInvalid unless a tree of either kind, asked about `columns` columns, cannot leave its arrays."""
    if _name(tree) == TREE:
        _require_sound(tree, columns)
    if _name(tree) == HISTOGRAM_TREE:
        _require_sound_histogram(tree, columns)


def _name(thing: object) -> str:
    return f"{type(thing).__module__}.{type(thing).__qualname__}"


def _require_sound(tree: object, columns: int) -> None:
    count, capacity = getattr(tree, "node_count", 0), getattr(tree, "capacity", 0)
    # Before anything else: the arrays below are as long as node_count says.
    if not 0 < count <= capacity:
        raise ArtifactInvalid(f"a tree claims {count} nodes in room for {capacity}; save the model again")
    left, right = tree.children_left, tree.children_right  # type: ignore[attr-defined]
    # -1 is a leaf; any other number is followed, a negative one too.
    split = left != -1
    _require_forward(left[split], right[split], np.flatnonzero(split), count)
    _require_columns(tree.feature[split], min(columns, tree.n_features))  # type: ignore[attr-defined]


def _require_sound_histogram(tree: object, columns: int) -> None:
    nodes = getattr(tree, "nodes", None)
    bitsets = getattr(tree, "raw_left_cat_bitsets", None)
    if not isinstance(nodes, np.ndarray) or nodes.ndim != 1 or len(nodes) == 0 or nodes.dtype.names is None:
        raise ArtifactInvalid("a tree of a histogram gradient boosting has no nodes; save the model again")
    split = np.flatnonzero(nodes["is_leaf"] == 0)
    inner = nodes[split]
    _require_forward(inner["left"].astype(np.int64), inner["right"].astype(np.int64), split, len(nodes))
    _require_columns(inner["feature_idx"], columns)
    used = inner["bitset_idx"][inner["is_categorical"] != 0]
    if used.size and (not isinstance(bitsets, np.ndarray) or bitsets.shape[1:] != (8,) or used.max() >= len(bitsets)):
        raise ArtifactInvalid("a tree splits on categories that it does not hold; save the model again")


def _require_forward(left: np.ndarray, right: np.ndarray, parents: np.ndarray, count: int) -> None:
    for children in (left, right):
        wrong = np.flatnonzero((children <= parents) | (children >= count))
        if wrong.size:
            node = int(parents[wrong[0]])
            raise ArtifactInvalid(
                f"node {node} of a tree of {count} nodes leads to node {int(children[wrong[0]])}; allowed: a later "
                "node of the same tree. Save the model again."
            )


def _require_columns(split_on: np.ndarray, columns: int) -> None:
    if split_on.size and (split_on.min() < 0 or split_on.max() >= columns):
        odd = int(split_on.min()) if split_on.min() < 0 else int(split_on.max())
        raise ArtifactInvalid(f"a tree splits on column {odd}; allowed: 0 to {columns - 1}. Save the model again.")
