"""Groups of the system: made where they hold, and nowhere else.

These folders are plain ones. On the machines that check this code the kernel's memory controller is not in cgroup v2,
so what the kernel does with the files is not tried here.
"""

from pathlib import Path

import pytest

from serving.children.memory_group import limited_group, open_group


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a tree as a service with `Delegate=yes` has it: itself in `main`, memory given on above that."""
    main = tmp_path / "root" / "service" / "main"
    main.mkdir(parents=True)
    (main / "cgroup.subtree_control").write_text("\n", encoding="ascii")
    (main.parent / "cgroup.subtree_control").write_text("cpu memory\n", encoding="ascii")
    (tmp_path / "own").write_text("4:memory:/elsewhere\n0::/service/main\n", encoding="ascii")
    return tmp_path / "root"


def test_group_is_made_beside_this_program_with_a_limit_and_no_swap(root: Path) -> None:
    """Where its parent hands memory on."""
    group = open_group("x", 1000, root.parent / "own", root)
    assert group is not None
    (folder,) = (root / "service").glob("holdfast-*-x")
    assert (folder / "memory.max").read_text() == "1000"
    assert (folder / "memory.swap.max").read_text() == "0"
    group.add(77)
    assert (folder / "cgroup.procs").read_text() == "77"
    assert not group.has_killed()
    (folder / "memory.events").write_text("low 0\nmax 9\noom 1\noom_kill 1\n", encoding="ascii")
    assert group.has_killed()


def test_none_is_made_where_it_would_not_hold(root: Path) -> None:
    """Without memory handed on, or without cgroup v2 at all."""
    (root / "service" / "cgroup.subtree_control").write_text("cpu\n", encoding="ascii")
    assert open_group("x", 1000, root.parent / "own", root) is None
    assert open_group("x", 1000, root.parent / "nothing", root) is None
    (root.parent / "own").write_text("4:memory:/elsewhere\n", encoding="ascii")
    assert open_group("x", 1000, root.parent / "own", root) is None
    assert not list(root.rglob("holdfast-*"))


def test_this_program_leaves_no_group_behind() -> None:
    """On whatever this machine has."""
    group = limited_group(2**22 + 1, 100)
    assert group is None
