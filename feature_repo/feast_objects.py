"""Feast's own objects for a model: entities, feature views and the feature service of the contract.

Derived features are not among them: Feast would run them as on-demand views, a second path with its own
conversions (0.2 ms per call). `vector.assemble` computes them after the lookup, for training and serving alike.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from feature_repo.definition import ModelDefinition, View
from feature_repo.offline import EVENT_TIMESTAMP, rows_folder

if TYPE_CHECKING:
    from feast import Entity, FeatureService, FeatureView


def feast_objects(definition: ModelDefinition, folder: Path) -> "list[Entity | FeatureView | FeatureService]":
    """Return a model's entities, its views over the offline files under `folder`, and its contract's service."""
    from feast import Entity, FeatureService, ValueType  # noqa: PLC0415 - slow to import

    entities = {
        name: Entity(name=name, join_keys=[name], value_type=ValueType.STRING, description=description)
        for name, description in definition.entities.items()
    }
    views = [_view(view, entities[view.entity], folder) for view in definition.views]
    service = FeatureService(
        name=definition.contract.name,
        features=views,
        description=f"What {definition.contract.name} looks up",
        tags={"contract": definition.contract.digest()},
    )
    return [*entities.values(), *views, service]


def _view(view: View, entity: "Entity", folder: Path) -> "FeatureView":
    from feast import FeatureView, Field, FileSource  # noqa: PLC0415 - slow to import
    from feast.data_format import ParquetFormat  # noqa: PLC0415 - slow to import
    from feast.types import Float64, String  # noqa: PLC0415 - slow to import

    source = FileSource(
        name=f"{view.name}_rows",
        path=str(rows_folder(folder, view) / "*.parquet"),
        file_format=ParquetFormat(),
        timestamp_field=EVENT_TIMESTAMP,
    )
    features = [
        Field(
            name=feature.name, dtype=Float64, description=feature.description, tags={"default": repr(feature.default)}
        )
        for feature in view.features
    ]
    return FeatureView(
        name=view.name,
        entities=[entity],
        ttl=view.freshness_limit,
        schema=[Field(name=view.entity, dtype=String), *features],
        source=source,
        owner=view.owner,
        description=view.description,
    )
