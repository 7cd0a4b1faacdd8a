"""The models a gateway serves, each by one revision of its plan."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from feature_repo.definition import ModelDefinition
from lifecycle.contract import Contract
from lifecycle.plan import TrafficPlan
from lifecycle.policy import Policy
from serving.arms import Arm, Proving
from serving.batching import Batch, MicroBatcher, Release
from serving.budgets.gate import BudgetGate
from serving.contracts import Contracts
from serving.mirror_slot import MirrorSlot
from serving.parts import Log
from serving.problem import refused
from serving.rollout.trial import Trial
from serving.rows import RowCodec

NOT_READY_RETRY_SECONDS = 2


@dataclass(frozen=True)
class Lane:
    """One version that answers: the arm, what it reads, the queue before it, and the proof that it works.

    `contracts` are all in which a request may be written, its own and others that become it. In `batcher` other tiers
    answer what it cannot; in `strict`, for whoever asks for this very version, nobody does. `apart` runs batches that
    are no user's, into a log of their own. A lane that is not `trusted` is a trial's or an isolated
    version's: its failure is no reason to replace the process.
    """

    arm: Arm
    codec: RowCodec
    contracts: Contracts
    batcher: MicroBatcher
    strict: MicroBatcher
    proof: Proving
    apart: Callable[[Log], Callable[[Batch, Release], None]]
    trusted: bool = True


@dataclass(frozen=True)
class ServedModel:
    """A model as one revision of its plan and policy has it: the champion's version and every version that may answer.

    `left_out` says why the plan's other versions do not stand; `out_of_reach` are those of them that may yet, because
    a store was away and nothing is wrong with them. Those in `loading` are on their way. `trial` splits requests while
    a canary stands, and `mirror` is where the champion's answers are shown to a shadow. `contract` is the champion's,
    `definition` the model's of today. `budget` says who has spent enough, None where nobody has a budget.
    """

    plan: TrafficPlan
    champion: str
    definition: ModelDefinition
    policy: Policy
    lanes: Mapping[str, Lane]
    left_out: Mapping[str, str] = field(default_factory=dict)
    loading: Sequence[str] = ()
    trial: Trial | None = None
    mirror: MirrorSlot = field(default_factory=MirrorSlot)
    out_of_reach: frozenset[str] = frozenset()
    contract: Contract | None = None
    budget: BudgetGate | None = None


@dataclass
class Models:
    """What can be asked for by name. Replaced whole on every change, so that a reader never sees a half."""

    _served: Mapping[str, ServedModel] = field(default_factory=dict)
    _waiting: Mapping[str, str] = field(default_factory=dict)
    _failing: frozenset[str] = frozenset()

    def put(self, served: ServedModel) -> None:
        """Let a model answer by a new plan revision; requests under way finish on the lanes they are in."""
        self._served = {**self._served, served.plan.model: served}
        self._waiting = {name: reason for name, reason in self._waiting.items() if name != served.plan.model}
        self._failing -= {served.plan.model}

    def wait(self, model: str, reason: str, *, failing: bool) -> None:
        """Say why a known model cannot answer yet; one that answers already keeps on.

        `failing` tells a model whose champion cannot stand from one that nobody has promoted a version of.
        """
        if model not in self._served:
            self._waiting = {**self._waiting, model: reason}
            self._failing = self._failing | {model} if failing else self._failing - {model}

    def names(self) -> Sequence[str]:
        """Return all known models, sorted, also those that cannot answer yet."""
        return sorted({*self._served, *self._waiting})

    def find(self, model: str) -> ServedModel | None:
        """Return a model that answers, or None."""
        return self._served.get(model)

    def waiting(self) -> Mapping[str, str]:
        """Return why the models that cannot answer yet cannot."""
        return self._waiting

    def failing(self) -> Sequence[str]:
        """Return what keeps the models from answering that should."""
        return [f"{name}: {self._waiting[name]}" for name in sorted(self._failing)]

    def serving(self) -> Sequence[ServedModel]:
        """Return the models that answer."""
        return tuple(self._served.values())

    def lane(self, model: str, version: str | None) -> tuple[ServedModel, Lane]:
        """Return where a request goes: the champion's lane, or a named version's.

        Raises Refused: 404 for an unknown model or a version that does not stand, 503 for a model not ready.
        """
        served = self._served.get(model)
        if served is None:
            raise self._absent(model)
        lane = served.lanes.get(served.champion if version is None else version)
        if lane is None:
            standing = ", ".join(served.lanes)
            detail = f"Version {version!r} of {model} does not stand here; versions that do: {standing}."
            raise refused(404, "unknown-version", detail)
        return served, lane

    def _absent(self, model: str) -> Exception:
        if model in self._waiting:
            detail = f"{model} is not ready: {self._waiting[model]}."
            return refused(503, "model-not-ready", detail, retry_after=NOT_READY_RETRY_SECONDS)
        return refused(404, "unknown-model", f"No model {model!r}; models here: {', '.join(self.names()) or 'none'}.")
