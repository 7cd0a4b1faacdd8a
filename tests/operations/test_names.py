"""Whatever is queried exists, and whatever exists is explained."""

import re
from typing import Any

from serving.metrics.family import Kind
from serving.metrics.metrics import FAMILIES
from tests.operations.conftest import OPERATIONS, ROOT, Rule

HISTOGRAM_PARTS = ("_bucket", "_count", "_sum")


def exposed() -> set[str]:
    """Return the names that a scrape has."""
    plain = {family.name for family in FAMILIES if family.kind is not Kind.HISTOGRAM}
    parts = {family.name + part for family in FAMILIES if family.kind is Kind.HISTOGRAM for part in HISTOGRAM_PARTS}
    return plain | parts


def queried(text: str) -> set[str]:
    """Return the metrics and recorded rules that an expression names."""
    return set(re.findall(r"\bholdfast[a-z0-9_:]+", text))


def expressions(node: Any) -> list[str]:
    """Return every expression in a dashboard."""
    if isinstance(node, dict):
        own = [node[key] for key in ("expr", "definition") if isinstance(node.get(key), str)]
        return own + [found for value in node.values() for found in expressions(value)]
    return [found for value in node for found in expressions(value)] if isinstance(node, list) else []


def test_rules_query_what_is_exposed_or_recorded(rules: list[Rule]) -> None:
    """A misspelt name would never fire."""
    recorded = {rule["record"] for rule in rules if "record" in rule}
    for rule in rules:
        assert queried(rule["expr"]) <= exposed() | recorded, rule


def test_dashboard_queries_what_is_exposed_or_recorded(dashboard: Any, rules: list[Rule]) -> None:
    """An empty panel looks like good news."""
    recorded = {rule["record"] for rule in rules if "record" in rule}
    found = [name for text in expressions(dashboard) for name in queried(text)]
    assert len(found) > 30
    assert set(found) <= exposed() | recorded


def test_runbooks_query_what_is_exposed_or_recorded(rules: list[Rule]) -> None:
    """A page's query works when it is needed."""
    recorded = {rule["record"] for rule in rules if "record" in rule}
    names = {family.name for family in FAMILIES}
    for page in (ROOT / "docs" / "runbooks").glob("*.md"):
        assert queried(page.read_text(encoding="utf-8")) <= exposed() | names | recorded, page.name


def test_panels_of_the_dashboard_have_their_own_ids_and_do_not_overlap(dashboard: Any) -> None:
    """Grafana would show one of two, or shift them."""
    panels = dashboard["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        place = panel["gridPos"]
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert place["x"] + place["w"] <= 24
        assert not cells & taken, panel["title"]
        taken |= cells


def test_each_metric_stands_in_the_list_with_its_labels() -> None:
    """The list in the operations page is the one that people read."""
    text = (OPERATIONS / "README.md").read_text(encoding="utf-8")
    for family in FAMILIES:
        (row,) = re.findall(rf"^\| `{family.name}` \|.*$", text, flags=re.MULTILINE) or [""]
        assert row, family.name
        assert ", ".join(family.labels) in row, family.name


def test_counters_end_in_total_and_only_they() -> None:
    """As Prometheus' naming has it, https://prometheus.io/docs/practices/naming/."""
    for family in FAMILIES:
        assert family.name.startswith("holdfast_")
        assert family.name.endswith("_total") == (family.kind is Kind.COUNTER), family.name
        assert list(family.bounds) == sorted(set(family.bounds))
