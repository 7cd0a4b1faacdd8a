"""What runs, which version serves, who is on trial, and since when, from the state folder and the ledger alone."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
from sqlalchemy import Engine

from console.processes import Processes, Started
from console.scaling import ScalingStatus, read_scaling
from lifecycle.plan import TrafficPlan
from lifecycle.stages import Stage
from stores.ledger.arms import ArmReport, Arms
from stores.ledger.opening import open_ledger
from stores.ledger.plans import Plans
from stores.ledger.progress import Progress
from stores.ledger.standings import Standings
from stores.settings import Settings

REPORT_FRESH = timedelta(seconds=15)
"""A replica that has not reported for this long counts as gone."""


@dataclass(frozen=True)
class ProgramStatus:
    """One program; memory is that of it and its children in MB (10^6 bytes), pages they share counted once."""

    name: str
    running: bool
    pid: int
    address: str
    memory_mb: int
    log: str


@dataclass(frozen=True)
class CanaryStatus:
    """The version that answers for `share` of the units, in step `step` (from 1) since `since`."""

    version: str
    stage: str
    step: int
    share: float
    since: datetime


@dataclass(frozen=True)
class ShadowStatus:
    """The version that is shown what the champion is asked.

    Counts are rows, summed over the replicas that run, each since it started or since the version entered shadow.

    `trouble` holds what replicas say is wrong with it, none when all is well.
    """

    version: str
    stage: str
    since: datetime
    mirrored: int
    dropped: int
    answered: int
    failed: int
    trouble: tuple[str, ...]


@dataclass(frozen=True)
class ReplicaStatus:
    """One gateway replica: the plan revision it serves, and why versions of it do not stand there."""

    replica: str
    ready: bool
    plan_revision: int
    left_out: Mapping[str, str]
    detail: str


@dataclass(frozen=True)
class ModelStatus:
    """What serves for one model: `replicas_ready` of `replicas` report the plan's revision.

    `held` is why nothing advances until a person resumes, None when the rules act; `pinned` also keeps the champion.
    """

    model: str
    champion: str | None
    previous: str | None
    since: datetime | None
    plan_revision: int
    replicas: int
    replicas_ready: int
    canary: CanaryStatus | None
    shadow: ShadowStatus | None
    held: str | None
    pinned: bool
    gateway: tuple[ReplicaStatus, ...]
    ingested_until: datetime | None
    features_until: datetime | None
    judged_until: datetime | None


@dataclass(frozen=True)
class Status:
    """Everything `holdfast status` shows; `scaling` is None until a gateway has run."""

    home: Path
    clock: str
    replayed_at: datetime | None
    programs: tuple[ProgramStatus, ...]
    models: tuple[ModelStatus, ...]
    scaling: ScalingStatus | None = None

    def as_json(self) -> dict[str, object]:
        """Return plain JSON values; times as ISO 8601."""
        return asdict(self)


def read_status(settings: Settings) -> Status:
    """Return the status of the stack in this state folder."""
    programs = tuple(_program(started) for started in Processes(settings.run).all())
    if settings.ledger_url is None and not (settings.home / "ledger.db").exists():
        return Status(settings.home, "system", None, programs, ())
    engine = open_ledger(settings.ledger_address)
    replayed = Progress(engine).replay_at()
    models = tuple(_model(engine, model) for model in Plans(engine).models())
    # Every replica reports on every model.
    running = len({replica.replica for model in models for replica in model.gateway})
    scaling = read_scaling(engine, running)
    return Status(settings.home, "replay" if replayed else "system", replayed, programs, models, scaling)


def _program(started: Started) -> ProgramStatus:
    process = started.process()
    memory = 0
    if process is not None:
        for member in [process, *process.children(recursive=True)]:
            try:
                memory += _memory(member)
            except psutil.NoSuchProcess:
                continue
    return ProgramStatus(
        started.name, process is not None, started.pid, started.address, round(memory / 1e6), started.log
    )


def _memory(process: psutil.Process) -> int:
    # The proportional set size is Linux's; elsewhere the resident set counts shared pages once per process.
    held = process.memory_full_info() if psutil.LINUX else process.memory_info()
    return int(getattr(held, "pss", held.rss))


def _model(engine: Engine, model: str) -> ModelStatus:
    plan, progress = Plans(engine).current(model), Progress(engine)
    stages = {version: str(standing.stage) for version, standing in Standings(engine).of(model).items()}
    # Replicas report on the machine's clock, whatever is being replayed.
    reports = Arms(engine).since(model, datetime.now(UTC) - REPORT_FRESH)
    ready = [report for report in reports if report.ready and report.plan_revision == plan.revision]
    return ModelStatus(
        model=model,
        champion=plan.champion,
        previous=plan.previous,
        since=Plans(engine).since(model),
        plan_revision=plan.revision,
        replicas=len(reports),
        replicas_ready=len(ready),
        canary=_canary(plan, stages),
        shadow=_shadow(plan, stages, reports),
        held=plan.held,
        pinned=plan.pinned,
        gateway=tuple(
            ReplicaStatus(one.replica, one.ready, one.plan_revision, dict(one.left_out or {}), one.detail)
            for one in reports
        ),
        ingested_until=progress.watermark(f"ingest:{model}"),
        features_until=progress.watermark(f"materialize:{model}"),
        judged_until=progress.watermark(f"supervise:{model}"),
    )


def _canary(plan: TrafficPlan, stages: Mapping[str, str]) -> CanaryStatus | None:
    if plan.canary is None:
        return None
    stage = stages.get(plan.canary.version, str(Stage.CANARY))
    return CanaryStatus(plan.canary.version, stage, plan.canary.step + 1, plan.canary.share, plan.canary.since_at)


def _shadow(plan: TrafficPlan, stages: Mapping[str, str], reports: Sequence[ArmReport]) -> ShadowStatus | None:
    if plan.shadow is None:
        return None
    version = plan.shadow.version
    told = [
        (one.replica, one.shadow)
        for one in reports
        if one.shadow is not None and str(one.shadow.get("version")) == version
    ]

    def total(name: str) -> int:
        return sum(int(said.get(name, 0)) for _, said in told)

    return ShadowStatus(
        version=version,
        stage=stages.get(version, str(Stage.SHADOW)),
        since=plan.shadow.since_at,
        mirrored=total("mirrored_rows"),
        dropped=total("dropped_rows"),
        answered=total("answered_rows"),
        failed=total("failed_rows"),
        trouble=tuple(f"{replica}: {said['trouble']}" for replica, said in told if said.get("trouble")),
    )
