"""Where lanes show what they answered, before and after a shadow stands."""

from dataclasses import dataclass

import pyarrow as pa

from serving.parts import Mirror


@dataclass(eq=False)
class MirrorSlot:
    """The mirror of the lanes of one plan revision: open once the shadow stands."""

    mirror: Mirror | None = None

    def offer(self, batch: pa.RecordBatch) -> None:
        """Hand a logged batch to the shadow, if there is one."""
        if self.mirror is not None:
            self.mirror.offer(batch)
