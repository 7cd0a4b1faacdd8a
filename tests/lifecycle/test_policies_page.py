"""The page about policies says of every key what the code allows."""

from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel

from lifecycle.allowed import allowed_for, section_of
from lifecycle.people import Override
from lifecycle.policy import Policy
from lifecycle.rollout_policy import NEVER_COMPARED, Condition

PAGE = (Path(__file__).parents[2] / "docs" / "policies.md").read_text(encoding="utf-8")


def sections(section: type[BaseModel], where: str = "") -> Iterator[tuple[str, type[BaseModel]]]:
    """Yield every section of a policy with its key path."""
    yield where, section
    for name, field in section.model_fields.items():
        try:
            child = section_of(field.annotation)
        except KeyError:
            continue
        yield from sections(child, f"{where}.{name}".removeprefix("."))


def chapter(where: str) -> str:
    """Return the part of the page about a section."""
    heading = f": `{where}`\n" if where else "## The whole file\n"
    return PAGE.split(heading)[1].split("\n#")[0]


def test_every_key_is_on_the_page_with_what_is_allowed() -> None:
    """A key that is added, removed, renamed or limited otherwise must be so on the page, too."""
    for where, section in sections(Policy):
        rows = [line for line in chapter(where).splitlines() if line.startswith("| `")]
        said = [tuple(cell.strip() for cell in row.strip("|").split("|")) for row in rows]
        expected = [(f"`{name}`", allowed_for(name, field)) for name, field in section.model_fields.items()]
        assert [(key, allowed) for key, allowed, _ in said] == expected, where
        for (_, _, meaning), field in zip(said, section.model_fields.values(), strict=True):
            assert meaning.endswith("(optional)") != field.is_required(), where


def test_every_metric_and_every_word_is_on_the_page() -> None:
    """A manager finds each, and whether it may be compared."""
    metrics = allowed_for("metric", Condition.model_fields["metric"]).split(", ")
    table = chapter("").join(PAGE.split("## Metrics")[1:])
    for metric in metrics:
        (row,) = [line for line in table.splitlines() if f"`{metric}`" in line]
        assert (row.split("|")[3].strip().startswith("no")) == (metric in NEVER_COMPARED), metric
    for word in Override:
        command = "review next" if word is Override.REVIEW else f"{word.replace('_', '')} MODEL"
        assert f"| `{word}` | `holdfast {command}` |" in PAGE, word
