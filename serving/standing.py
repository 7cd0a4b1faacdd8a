"""Composition: from a traffic plan to a model that answers."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from feature_repo.definition import ModelDefinition, load_definition
from feature_repo.editions import require_asked
from feature_repo.vector import assemble
from lifecycle.assignment import Arm as ArmName
from lifecycle.contract import Contract
from lifecycle.errors import Unavailable
from lifecycle.plan import TrafficPlan
from lifecycle.policy import Policy
from lifecycle.resources_policy import ArmResources
from serving.arms import WORKERS, Arm, load_arm, place_of
from serving.at_work import AtWork
from serving.budgets.gate import open_gate
from serving.budgets.spending import Spending
from serving.cheap.opening import is_cheaper_than
from serving.hiding import no_key
from serving.lanes import Lanes
from serving.mirror_slot import MirrorSlot
from serving.models import ServedModel
from serving.outputs.guards import Guards
from serving.outputs.opening import Guarded
from serving.parts import FeatureReader, Log
from serving.prediction_ids import PredictionIds
from serving.rollout.fault import is_the_version_s
from serving.rollout.loading import Loading, StillLoading
from serving.rollout.workers import Workers
from serving.rows import RowCodec
from serving.tiers.breakers import FEATURES, FailureBreakers, small_name
from stores.versions import VersionFiles

CANARY, FILES = "canary", "files"


@dataclass
class StandingUp:
    """Loads a plan's versions; versions and feature readers that already stand are used again.

    `policy_of`, `reader_of` and `open_version` fetch the parts; `epoch_seconds` is the clock of the log.
    `guards` watch what the versions answer; without them nobody does. `retried` is told the model of each request that
    is tried again by itself, because a request that it arrived with made their micro-batch fail. `at_work` shows which
    version scores in which thread, and `breakers` what is not asked after too many failures. `spending` is told what
    answers cost, where tenants have budgets. `log_key` returns what values are hashed with that the log may not keep as
    they are.
    """

    policy_of: Callable[[str], Policy]
    reader_of: Callable[[ModelDefinition, Policy], FeatureReader]
    open_version: Callable[[str, str], VersionFiles]
    prediction_log: Log
    ids: PredictionIds
    replica: str
    epoch_seconds: Callable[[], float] = time.time
    loading: Loading = field(default_factory=Loading)
    guards: Guards | None = None
    retried: Callable[[str], None] = lambda _: None
    at_work: AtWork = field(default_factory=AtWork)
    breakers: FailureBreakers = field(default_factory=FailureBreakers)
    spending: Spending | None = None
    _rule_workers: dict[str, Workers] = field(default_factory=dict)
    _policies: dict[str, Policy] = field(default_factory=dict)
    _readers: dict[tuple[str, str], FeatureReader] = field(default_factory=dict)
    log_key: Callable[[], bytes] = no_key
    _arms: dict[str, dict[str, Arm]] = field(default_factory=dict)
    _codecs: dict[tuple[str, str, int], RowCodec] = field(default_factory=dict)
    _others: dict[tuple[str, int], RowCodec] = field(default_factory=dict)

    def __call__(self, plan: TrafficPlan) -> ServedModel:
        """Return a plan's model with its champion loaded, proven and warm.

        The champion must stand, else its error is raised; another version that does not is left out, with the reason.
        A canary is loaded in the background, because nobody knows yet how long it takes.
        """
        if plan.champion is None:
            raise ValueError(f"plan revision {plan.revision} of {plan.model} has no champion")
        definition = load_definition(plan.model)
        policy = self._policies[plan.model] = self.policy_of(plan.model)
        resources = policy.resources
        arms = {plan.champion: self._arm(plan.champion, definition, resources.champion)}
        left_out: dict[str, str] = {}
        loading: list[str] = []
        out_of_reach: set[str] = set()
        for version in plan.versions()[1:]:
            on_trial = plan.canary is not None and version == plan.canary.version
            load, needs = (self._canary, resources.canary) if on_trial else (self._arm, resources.champion)
            try:
                arm = load(version, definition, needs)
                if on_trial:
                    require_asked(definition, arms[plan.champion].files.manifest.contract, version, arm.files.manifest)
                arms[version] = arm
            except StillLoading:
                loading.append(version)
            except Exception as error:  # noqa: BLE001 - whatever their files do, the champion answers
                left_out[version] = str(error) or type(error).__name__
                if not is_the_version_s(error):
                    out_of_reach.add(version)
        self._keep(plan, arms)
        served = self._served(plan, policy, definition, arms)
        self._keep_guards(plan)
        return replace(served, left_out=left_out, loading=loading, out_of_reach=frozenset(out_of_reach))

    def _served(
        self,
        plan: TrafficPlan,
        policy: Policy,
        definition: ModelDefinition,
        arms: dict[str, Arm],
    ) -> ServedModel:
        mirror = MirrorSlot()
        lanes = Lanes(
            plan=plan,
            policy=policy,
            definition=definition,
            reader_of=self._reader,
            codec_of=lambda arm: self._codec(plan.model, arm, policy.serving.max_rows_per_request),
            codec_for=lambda contract: self._codec_for(contract, policy.serving.max_rows_per_request),
            log=self.prediction_log,
            ids=self.ids,
            replica=self.replica,
            epoch_seconds=self.epoch_seconds,
            mirror=mirror,
            guards=self.guards,
            retried=self.retried,
            at_work=self.at_work,
            breakers=self.breakers,
            rule_workers=self._rule_workers.setdefault(plan.model, Workers(f"{plan.model} rule", WORKERS)),
            spending=self.spending,
            log_key=self.log_key,
        )
        canary = None if plan.canary is None else arms.get(plan.canary.version)
        champion = str(plan.champion)
        previous = None if plan.previous is None else arms.get(plan.previous)
        made = {
            version: lanes.named(arm) if arm is canary else lanes.previous(arm)
            for version, arm in arms.items()
            if version != champion
        }
        made = {champion: lanes.champion(arms[champion], previous), **made}
        trial = None if canary is None else lanes.trial(made[champion], canary, previous)
        contract = made[champion].codec.contract
        budget = open_gate(plan.model, policy.serving.budgets, self.spending, cheaper=is_cheaper_than(arms[champion]))
        return ServedModel(
            plan,
            champion,
            definition,
            policy,
            made,
            trial=trial,
            mirror=mirror,
            contract=contract,
            budget=budget,
        )

    def _arm(self, version: str, definition: ModelDefinition, needs: ArmResources) -> Arm:
        standing = self._standing(version, definition, needs)
        if standing is not None:
            return standing
        return self._made(version, self.open_version(definition.name, version), definition, needs)

    def _made(self, version: str, files: VersionFiles, definition: ModelDefinition, needs: ArmResources) -> Arm:
        arm = load_arm(version, files, definition, needs)
        warm_up(arm, self._reader(arm.definition))
        return arm

    def _reader(self, edition: ModelDefinition) -> FeatureReader:
        key = (edition.name, edition.contract.name)
        if key not in self._readers:
            self._readers[key] = self.reader_of(edition, self._policies[edition.name])
        return self._readers[key]

    def _canary(self, version: str, definition: ModelDefinition, needs: ArmResources) -> Arm:
        standing = self._standing(version, definition, needs)
        if standing is not None:
            return standing
        model = definition.name
        # Apart, because a registry that hangs says nothing about the version, and a version that does says all.
        files = self.loading.result((FILES, model, version), lambda: self.open_version(model, version), Unavailable)
        try:
            return self.loading.result((CANARY, model, version), lambda: self._made(version, files, definition, needs))
        except StillLoading:
            raise
        except Exception:
            self.loading.forget((FILES, model, version))
            raise

    def _standing(self, version: str, definition: ModelDefinition, needs: ArmResources) -> Arm | None:
        """Return a version that stands already, as its arm needs it; one that was canary may need another place."""
        arm = self._arms.get(definition.name, {}).get(version)
        return arm if arm is not None and arm.place == place_of(needs) else None

    def _codec(self, model: str, arm: Arm, max_rows: int) -> RowCodec:
        key = (model, arm.version, max_rows)
        if key not in self._codecs:
            self._codecs[key] = RowCodec(arm.files.manifest.contract, max_rows)
        return self._codecs[key]

    def _codec_for(self, contract: Contract, max_rows: int) -> RowCodec:
        key = (contract.digest(), max_rows)
        if key not in self._others:
            self._others[key] = RowCodec(contract, max_rows)
        return self._others[key]

    def _keep_guards(self, plan: TrafficPlan) -> None:
        """Let go of what watched versions in arms that the plan does not have any more."""
        if self.guards is None or plan.champion is None:
            return
        arms = [(plan.champion, ArmName.CHAMPION)]
        if plan.canary is not None:
            arms += [(plan.champion, ArmName.CONTROL), (plan.canary.version, ArmName.CANARY)]
        self.guards.keep(plan.model, {Guarded(plan.model, version, arm.value) for version, arm in arms})

    def _keep(self, plan: TrafficPlan, arms: dict[str, Arm]) -> None:
        """Let go of versions that the plan has no more; those that answer still are in the lanes they answer by."""
        self._arms[plan.model] = arms
        self.breakers.keep(plan.model, {FEATURES, *arms, *(small_name(version) for version in arms)})
        for kind in (FILES, CANARY):
            self.loading.keep(kind, plan.model, {version for version in plan.versions() if version not in arms})
        self._codecs = {key: codec for key, codec in self._codecs.items() if key[0] != plan.model or key[1] in arms}


def warm_up(arm: Arm, reader: FeatureReader) -> None:
    """Take a version's example through the whole path but the log, one row alone and then all."""
    codec = RowCodec(arm.files.manifest.contract, len(arm.example))
    for some in (arm.example[:1], arm.example):
        request = codec.columns(some)
        matrix = assemble(arm.definition, request, reader.read(request).values).matrix
        arm.predictor.score(matrix)
        if arm.small is not None:
            arm.small.score(matrix)
