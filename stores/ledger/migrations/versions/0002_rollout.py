"""Rollout: whole plans, where each version stands, signals, and the replicas' word on their shadows."""

import sqlalchemy as sa
from alembic import op

revision = '0002'
down_revision = '0001'


def upgrade() -> None:
    """Apply the change."""
    op.add_column('plans', sa.Column('document', sa.JSON(), nullable=True))
    op.add_column('arms', sa.Column('left_out', sa.JSON(), nullable=True))
    op.add_column('arms', sa.Column('shadow', sa.JSON(), nullable=True))
    op.create_table('standings',
    sa.Column('model', sa.String(length=100), nullable=False),
    sa.Column('version', sa.String(length=50), nullable=False),
    sa.Column('stage', sa.String(length=20), nullable=False),
    sa.Column('reason', sa.String(), nullable=False),
    sa.Column('manifest', sa.JSON(), nullable=True),
    sa.Column('changed_at', sa.String(length=32), nullable=False),
    sa.PrimaryKeyConstraint('model', 'version')
    )
    op.create_table('signals',
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('at', sa.String(length=32), nullable=False),
    sa.PrimaryKeyConstraint('name')
    )
    _meet_versions_known_so_far()


def _meet_versions_known_so_far() -> None:
    # What was decided before there were standings still holds: nobody is picked up a second time.
    connection = op.get_bind()
    newest: dict[str, sa.Row] = {}
    for row in connection.execute(sa.text('SELECT model, revision, champion, previous, written_at FROM plans ORDER BY revision')):
        newest[row.model] = row
    met: set[tuple[str, str]] = set()
    for model, row in newest.items():
        for version, stage in ((row.champion, 'champion'), (row.previous, 'retired')):
            if version is not None:
                _meet(model, version, stage, 'served before standings were kept', row.written_at)
                met.add((model, version))
    for row in connection.execute(sa.text('SELECT model, version, action, reason, decided_at FROM decisions ORDER BY decided_at DESC')):
        if (row.model, row.version) not in met:
            _meet(row.model, row.version, 'retired' if row.action == 'promote' else 'rejected', row.reason, row.decided_at)
            met.add((row.model, row.version))


def _meet(model: str, version: str, stage: str, reason: str, at: str) -> None:
    op.get_bind().execute(
        sa.text('INSERT INTO standings (model, version, stage, reason, changed_at) VALUES (:model, :version, :stage, :reason, :at)'),
        {'model': model, 'version': version, 'stage': stage, 'reason': reason, 'at': at},
    )
