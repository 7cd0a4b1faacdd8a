"""Every error a person or a program can meet, in one tree.

    HoldfastError
    ├── InvalidInput            somebody handed over a value that is not allowed
    │   ├── ContractViolation   a request row does not fit the model's contract
    │   ├── PolicyInvalid       a file in policies/ cannot be followed
    │   └── SettingInvalid      an environment variable or option is wrong
    ├── NotFound                a model, version, prediction or row that is not there
    ├── DataRejected            a batch failed a critical expectation; what stood before still stands
    ├── EvidenceMissing         too little data to decide, train or measure on
    ├── ArtifactInvalid         a version's files are missing, altered or fail their own example
    ├── NotPermitted            the policy does not let this person do this
    ├── TransitionRefused       a stage change that the transition table does not list
    ├── Conflict                somebody else changed or holds the thing first
    └── Unavailable             a store or server cannot be reached just now

A message names the offending value, the limit, and what to do next.
"""

from dataclasses import dataclass


class HoldfastError(Exception):
    """Root of the tree; catch it where a message is shown to a person."""


class InvalidInput(HoldfastError):
    """A value that is not allowed here."""


@dataclass(frozen=True)
class FieldProblem:
    """One thing wrong with one field of one request row."""

    field: str
    row: int | None
    value: str
    allowed: str

    def __str__(self) -> str:
        where = self.field if self.row is None else f"{self.field} in row {self.row}"
        return f"{where} is {self.value}; allowed: {self.allowed}"


class ContractViolation(InvalidInput):
    """A request that the contract refuses, with every problem that was found."""

    def __init__(self, problems: tuple[FieldProblem, ...]) -> None:
        self.problems = problems
        super().__init__("; ".join(str(problem) for problem in problems))


class PolicyInvalid(InvalidInput):
    """A policy file that cannot be followed as written."""


class SettingInvalid(InvalidInput):
    """A setting that cannot be used."""


class NotFound(HoldfastError):
    """The thing asked for is not there."""


class DataRejected(HoldfastError):
    """A whole batch was refused; nothing of it was stored."""


class EvidenceMissing(HoldfastError):
    """There is too little data for what was asked."""


class ArtifactInvalid(HoldfastError):
    """A version's files cannot be trusted."""


class NotPermitted(HoldfastError):
    """The policy does not let this person do this."""


class TransitionRefused(HoldfastError):
    """A stage change that the transition table does not list."""


class Conflict(HoldfastError):
    """Another process changed or holds this first."""


class Unavailable(HoldfastError):
    """A store or server cannot be reached just now."""
