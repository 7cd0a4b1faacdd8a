"""Health that runs the models: ready means each just reproduced its own example."""

from serving.models import Models


class Health:
    """Answers for the whole gateway."""

    def __init__(self, models: Models) -> None:
        self._models = models

    def failures(self) -> list[str]:
        """Return why this gateway is not ready, empty when it is.

        Every model with a champion must stand and have just reproduced its example. One that no version has
        been promoted of does not count, but a gateway in which nothing stands is not ready. An isolated champion
        whose process is being started again does not count, because other tiers answer.
        """
        served = self._models.serving()
        failing = list(self._models.failing())
        champions = (one.lanes[one.champion] for one in served)
        broken = [reason for lane in champions if lane.trusted and (reason := lane.proof.failure()) is not None]
        if not served and not failing:
            waiting = [f"{name}: {reason}" for name, reason in self._models.waiting().items()]
            return waiting or ["no model is known yet"]
        return failing + broken

    def broken(self) -> list[str]:
        """Return the failures of trusted versions that stood proven once: a reason to replace this process."""
        lanes = (lane for one in self._models.serving() for lane in one.lanes.values() if lane.trusted)
        return [reason for lane in lanes if (reason := lane.proof.failure()) is not None]
