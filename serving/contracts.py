"""In which contracts a request to one version may be written, and how each becomes the version's own.

A caller may name its contract, in the header X-Holdfast-Contract or in the V2 parameter `contract`. One that names
none is taken to speak the version's, or else the one older contract that the request fits. A request whose contract
has no declared way to the version's, or that says what that has no word for, is refused: nothing is guessed, and
nothing is left out.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeAlias

import msgspec
from msgspec.structs import replace

from feature_repo.definition import ModelDefinition
from feature_repo.editions import Way, edition_for, editions_of, way
from lifecycle.contract import Contract
from lifecycle.errors import ContractViolation
from serving.answer import Ask, Original
from serving.dialects import Dialect, Spoken
from serving.exchange import Headers
from serving.field_types import shown
from serving.infer_request import OtherContract
from serving.problem import Problem, Refused, field_problems, refused
from serving.rows import CodecFor, Row, RowCodec

HEADER = b"x-holdfast-contract"
Read: TypeAlias = tuple[Spoken, Sequence[Row], Original | None]
"""A request as it was spoken, its rows in the version's contract, and as written where that is another one."""


@dataclass(frozen=True)
class Translation:
    """The rows of one contract, made rows of another."""

    source: RowCodec
    target: RowCodec
    way: Way

    def __call__(self, rows: Sequence[Row]) -> list[Row]:
        """Return the rows in the target's contract; raises ContractViolation for what it has no word for."""
        return [self.target.row(values) for values in self.way([msgspec.structs.asdict(row) for row in rows])]


@dataclass(frozen=True)
class Contracts:
    """What a version understands: its own contract, and others by name; `known` are all that this code has.

    `older` are tried in turn when a request names none and does not fit the version's own.
    """

    version: str
    own: RowCodec
    translations: Mapping[str, Translation]
    known: Sequence[str]
    older: Sequence[str]

    @property
    def spoken(self) -> tuple[Contract, ...]:
        """The contracts in which requests are answered, the version's own first."""
        return (self.own.contract, *(one.source.contract for one in self.translations.values()))


def contracts_of(definition: ModelDefinition, version: str, own: RowCodec, codec_for: CodecFor) -> Contracts:
    """Return the contracts that a version understands; `definition` is the model's of today.

    A version whose contract says something else than the one of that name in the code is only asked in its own.
    """
    ours = own.contract
    editions = [one.contract for one in editions_of(definition) if one.contract.name != ours.name]
    translations = {}
    if edition_for(definition, ours) is not None:
        for other in editions:
            found = way(definition, other.name, ours.name)
            if found is not None:
                translations[other.name] = Translation(codec_for(other), own, found)
    older = [one.name for one in editions if one.version < ours.version and one.name in translations]
    return Contracts(version, own, translations, (ours.name, *(one.name for one in editions)), older)


@dataclass(frozen=True)
class ToCanary:
    """Makes what a champion is asked the question of a canary with another contract.

    `ways` lead there by contract from every one that has a total way, the champion's among them.
    """

    champion: RowCodec
    contract: str
    ways: Mapping[str, Translation]

    def __call__(self, ask: Ask) -> Ask:
        """Return the canary's ask, made of what the caller wrote where that is possible."""
        original = ask.original
        if original is not None and original.contract == self.contract:
            return replace(ask, rows=original.rows, original=None, instead=ask)
        if original is None or original.contract not in self.ways:
            original = Original(self.champion, ask.rows)
        rows = self.ways[original.contract](original.rows)
        return replace(ask, rows=rows, original=ask.original or original, instead=ask)


def to_canary(champion: RowCodec, canary: Contracts) -> ToCanary | None:
    """Return how a canary is asked, None when its contract is the champion's; `require_asked` says that it can be."""
    if champion.contract.name == canary.own.contract.name:
        return None
    total = {name: one for name, one in canary.translations.items() if one.way.total}
    return ToCanary(champion, canary.own.contract.name, total)


def read(dialect: Dialect, headers: Headers, body: bytes, contracts: Contracts) -> Read:
    """Return a request in the version's contract.

    Raises ContractViolation for rows that do not fit the contract they are in, and Refused for what is no request or
    cannot become one of the version's: 422 for an unknown contract, 409 for one that is not served now.
    """
    name = headers.get(HEADER)
    if name is not None:
        return _named(name.decode("latin-1"), dialect, headers, body, contracts)
    try:
        spoken = dialect.read(headers, body, contracts.own)
    except OtherContract as other:
        return _named(other.name, dialect, headers, body, contracts)
    except ContractViolation as refusal:
        return _fitting(refusal, dialect, headers, body, contracts)
    return spoken, spoken.rows, None


def _named(name: str, dialect: Dialect, headers: Headers, body: bytes, contracts: Contracts) -> Read:
    own, translation = contracts.own, contracts.translations.get(name)
    if name not in contracts.known:
        known = ", ".join(contracts.known)
        raise refused(422, "unknown-contract", f"The request names the contract {shown(name)}; known here: {known}.")
    if name != own.contract.name and translation is None:
        raise _not_served(contracts, f"and no way there from {name} is declared")
    try:
        spoken = dialect.read(headers, body, own if translation is None else translation.source)
    except OtherContract as other:
        detail = f"The header names the contract {name}, the parameter {shown(other.name)}; allowed: one of them."
        raise refused(400, "unsupported-parameter", detail) from other
    return _translated(spoken, translation, contracts)


def _fitting(refusal: ContractViolation, dialect: Dialect, headers: Headers, body: bytes, contracts: Contracts) -> Read:
    """Return a request that names no contract by the one older contract it fits, else raise what its own refused."""
    fitting: list[tuple[Spoken, Translation]] = []
    for name in contracts.older:
        translation = contracts.translations[name]
        with suppress(ContractViolation):
            fitting.append((dialect.read(headers, body, translation.source), translation))
    if len(fitting) != 1:
        raise refusal
    return _translated(*fitting[0], contracts)


def _translated(spoken: Spoken, translation: Translation | None, contracts: Contracts) -> Read:
    if translation is None:
        return spoken, spoken.rows, None
    try:
        rows = translation(spoken.rows)
    except ContractViolation as lost:
        raise _not_served(contracts, f"which has no word for all of this: {lost}", lost) from lost
    return spoken, rows, Original(translation.source, spoken.rows)


def _not_served(contracts: Contracts, why: str, lost: ContractViolation | None = None) -> Refused:
    own = contracts.own.contract.name
    until = f"Speak {own} until a version of your contract answers."
    extra = {} if lost is None else {"errors": field_problems(lost)}
    detail = f"Version {contracts.version} answers by {own}, {why}. {until}"
    return Refused(Problem(409, "contract-not-served", detail, extra=extra))
