"""Try a cascade on recorded traffic: what the small model would have answered, saved and lost.

`python -m flows.try_cascade` is what `holdfast costs cascade` starts. It changes nothing.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime

from pydantic import ValidationError
from rich.console import Console
from rich.markup import escape
from sqlalchemy import Engine

from feature_repo.definition import load_definition
from flows.costing.cascade import Tried, try_cascade
from flows.costing.traffic import recorded_traffic
from flows.moments import require_zone
from lifecycle.cascade_policy import CascadePolicy
from lifecycle.errors import EvidenceMissing, HoldfastError, InvalidInput
from lifecycle.policy import Policy
from stores.ledger.opening import open_ledger
from stores.ledger.pins import Pins
from stores.policies import load_policy
from stores.registry import Registry
from stores.settings import Settings, settings
from stores.versions import Versions

DEFAULT_CONFIDENCE = 0.95


def try_on_recorded(
    policy: Policy, wanted: CascadePolicy, since: datetime, config: Settings, engine: Engine
) -> tuple[Tried, ...]:
    """Return what a cascade would have done to each version's traffic from a moment on.

    Raises EvidenceMissing when no version with a small model answered anything, InvalidInput for a time without a zone.
    """
    require_zone(since)
    traffic = recorded_traffic(load_definition(policy.model), since, config, engine)
    versions = Versions(config.versions, Registry(config.mlflow_address), Pins(engine))
    tried = [try_cascade(one, versions.open(policy.model, one.version), policy, wanted) for one in traffic]
    found = tuple(one for one in tried if one is not None)
    if not found:
        answered = ", ".join(one.version for one in traffic) or "none"
        raise EvidenceMissing(
            f"no version of {policy.model} with a small model has answered since {since.isoformat()} (versions that "
            f"answered: {answered}); write training.small into the policy, and train one"
        )
    return found


def wanted_of(policy: Policy, at_most: float | None, confidence: float | None) -> CascadePolicy:
    """Return the policy's cascade with what the options say instead; raises InvalidInput when nobody says the share."""
    written = policy.serving.cascade
    share = at_most if at_most is not None else written and written.decided_otherwise_at_most
    if share is None:
        raise InvalidInput(
            f"the policy of {policy.model} has no serving.cascade; say --decided-otherwise-at-most, such as 0.02"
        )
    sure = confidence if confidence is not None else DEFAULT_CONFIDENCE if written is None else written.confidence
    try:
        return CascadePolicy(decided_otherwise_at_most=share, confidence=sure)
    except ValidationError as error:
        told = "; ".join(f"{one['loc'][0]} is {one['input']!r}: {one['msg']}" for one in error.errors())
        raise InvalidInput(told) from error


def _print(found: tuple[Tried, ...], terminal: Console) -> None:
    for tried in found:
        terminal.print(f"\n[bold]Version {escape(tried.version)}[/bold], {tried.rows:,} rows answered", highlight=False)
        for line in _lines(tried):
            terminal.print(f"- {line}", highlight=False)


def _lines(tried: Tried) -> Iterator[str]:
    share, bands = tried.cheap / tried.rows, tried.bands
    ends = [f"at or below {bands.low:g}"] if bands.low is not None else []
    ends += [f"at or above {bands.high:g}"] if bands.high is not None else []
    yield (
        f"the small model is sure of scores {' and '.join(ends) or 'nowhere'}, and answers {share:.1%} of the rows "
        f"({tried.judged_cheap_share:.1%} of those it was judged on)"
    )
    wrong = tried.otherwise / max(tried.cheap, 1)
    yield f"of these it decides {tried.otherwise:,} ({wrong:.2%}) otherwise than the version"
    yield (
        f"computing takes {tried.cascade_us:.1f} µs a row instead of {tried.version_us:.1f} in micro-batches of "
        f"{tried.mean_batch_rows:.1f} rows (the small model alone {tried.small_us:.1f}; logged {tried.logged_us:.1f})"
    )
    if tried.served_cost is not None and tried.cascade_cost is not None:
        saved = 1 - tried.cascade_cost / tried.served_cost if tried.served_cost else 0.0
        yield f"1,000 answers cost {tried.cascade_cost:.4g} instead of {tried.served_cost:.4g}, {saved:.1%} less"
    if tried.labelled:
        yield (
            f"on the {tried.labelled:,} rows with a known outcome the log loss is {tried.cascade.log_loss:.4f} instead "
            f"of {tried.served.log_loss:.4f}, and mistakes cost {tried.cascade.cost_per_row:.4f} instead of "
            f"{tried.served.cost_per_row:.4f} a row"
        )
    else:
        yield "no outcome is known yet, so nobody can say what quality it costs"


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidInput(f"--since is {text!r}; allowed: ISO 8601 with a zone, as 2026-01-31T00:00:00Z") from error


def main() -> None:
    """Read the options, print what would have been; an error of ours is one readable line and exit code 1."""
    parser = argparse.ArgumentParser(prog="python -m flows.try_cascade", description=__doc__)
    parser.add_argument("--model", required=True)
    parser.add_argument("--since", required=True)
    parser.add_argument("--decided-otherwise-at-most", type=float)
    parser.add_argument("--confidence", type=float)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    try:
        config = settings()
        policy = load_policy(config.policies, options.model)
        wanted = wanted_of(policy, options.decided_otherwise_at_most, options.confidence)
        found = try_on_recorded(policy, wanted, _moment(options.since), config, open_ledger(config.ledger_address))
    except HoldfastError as error:
        Console(stderr=True).print(f"[red]{type(error).__name__}[/red]: {escape(str(error))}", highlight=False)
        sys.exit(1)
    if options.json:
        sys.stdout.write(json.dumps([asdict(tried) for tried in found], indent=2) + "\n")
    else:
        _print(found, Console())


if __name__ == "__main__":
    main()
