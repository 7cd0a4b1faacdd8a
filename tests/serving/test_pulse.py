"""The pulse of an event loop, seen from outside."""

import asyncio
from dataclasses import dataclass

from serving.pulse import BEAT_SECONDS, STILL_SECONDS, Pulse


@dataclass
class Seconds:
    """A clock."""

    now: float = 50.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


def test_event_loop_without_a_turn_for_a_second_answers_nobody() -> None:
    """It is said with the seconds, and no longer once it has a turn."""
    clock = Seconds()
    pulse = Pulse(clock)

    async def served() -> list[str | None]:
        pulse.start()
        clock.now += STILL_SECONDS - 0.01
        told = [pulse.trouble()]
        clock.now += 2.21
        told.append(pulse.trouble())
        await asyncio.sleep(2 * BEAT_SECONDS)
        return [*told, pulse.trouble()]

    assert asyncio.run(served()) == [
        None,
        "does not answer: its event loop has stood still for 3 s",
        None,
    ]


def test_pulse_that_has_not_begun_or_has_ended_says_nothing() -> None:
    """A gateway that starts or stops has its own ways to say so."""
    clock = Seconds()
    pulse = Pulse(clock)
    clock.now += 60.0
    assert (pulse.still_seconds(), pulse.trouble()) == (0.0, None)

    async def served() -> None:
        pulse.start()
        pulse.stop()

    asyncio.run(served())
    clock.now += 60.0
    assert (pulse.still_seconds(), pulse.trouble()) == (0.0, None)
