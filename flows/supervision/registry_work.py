"""What is done in the registry beside the ticks: new versions are picked up, and people see where each one stands."""

from sqlalchemy import Engine

from feature_repo.definition import load_definition
from flows.turns import take_turns
from stores.clock import ReplayClock
from stores.ledger.plans import Plans
from stores.ledger.progress import Progress
from stores.ledger.standings import Standings
from stores.policies import load_policy
from stores.registry import Registry
from stores.settings import Settings


class RegistryWork:
    """The registry's share of supervision. It may be away for hours: no tick waits for it."""

    def __init__(self, models: tuple[str, ...], config: Settings, engine: Engine) -> None:
        self._models = models
        self._config = config
        self._engine = engine
        self._registry = Registry(config.mlflow_address)
        self._rings = False

    def turn(self) -> None:
        """Mirror every model's standings, ask for the webhook until it stands, and pick up what is new."""
        # The engine's other programs need neither; see flows/pickup.
        from flows.pickup.webhook import ensure_webhook  # noqa: PLC0415 - MLflow takes seconds to import

        take_turns(self._models, self._mirror)
        self._rings = self._rings or ensure_webhook(self._config, self._registry)
        take_turns(self._models, self._pick_up)

    def _mirror(self, model: str) -> None:
        from flows.pickup.mirror import mirror_standings  # noqa: PLC0415 - as above

        mirror_standings(self._registry, Plans(self._engine).current(model), Standings(self._engine).of(model))

    def _pick_up(self, model: str) -> None:
        from flows.pickup.picking import Desk, pick_up  # noqa: PLC0415 - as above

        policy, clock = load_policy(self._config.policies, model), ReplayClock(Progress(self._engine))
        pick_up(model, Desk(load_definition(model), policy, self._registry, self._engine, clock))
