"""Watching: baselines, counts by hour, looks, alarms, captures, labels of people, trainings, proposals."""

import sqlalchemy as sa
from alembic import op

revision = '0003'
down_revision = '0002'


def upgrade() -> None:
    """Apply the change."""
    op.create_table('alarms',
    sa.Column('alarm_id', sa.String(length=40), nullable=False),
    sa.Column('model', sa.String(length=100), nullable=False),
    sa.Column('version', sa.String(length=50), nullable=False),
    sa.Column('kind', sa.String(length=40), nullable=False),
    sa.Column('subject', sa.String(length=200), nullable=False),
    sa.Column('then', sa.String(length=20), nullable=False),
    sa.Column('value', sa.Float(), nullable=True),
    sa.Column('limit', sa.Float(), nullable=True),
    sa.Column('reason', sa.String(), nullable=False),
    sa.Column('decision_id', sa.String(length=40), nullable=True),
    sa.Column('told_at', sa.String(length=32), nullable=True),
    sa.Column('onset_at', sa.String(length=32), nullable=False),
    sa.Column('opened_at', sa.String(length=32), nullable=False),
    sa.Column('last_seen_at', sa.String(length=32), nullable=False),
    sa.Column('closed_at', sa.String(length=32), nullable=True),
    sa.Column('closed_by', sa.String(length=100), nullable=True),
    sa.Column('closed_because', sa.String(), nullable=True),
    sa.PrimaryKeyConstraint('alarm_id')
    )
    op.create_index(op.f('ix_alarms_model'), 'alarms', ['model'], unique=False)
    op.create_table('baselines',
    sa.Column('model', sa.String(length=100), nullable=False),
    sa.Column('version', sa.String(length=50), nullable=False),
    sa.Column('profile', sa.JSON(), nullable=False),
    sa.Column('metrics', sa.JSON(), nullable=True),
    sa.Column('source', sa.String(length=50), nullable=False),
    sa.Column('drawn_at', sa.String(length=32), nullable=False),
    sa.PrimaryKeyConstraint('model', 'version')
    )
    op.create_table('captures',
    sa.Column('capture_id', sa.String(length=80), nullable=False),
    sa.Column('model', sa.String(length=100), nullable=False),
    sa.Column('version', sa.String(length=50), nullable=False),
    sa.Column('arm', sa.String(length=20), nullable=False),
    sa.Column('replica', sa.String(length=100), nullable=False),
    sa.Column('reason', sa.String(), nullable=False),
    sa.Column('rows', sa.Integer(), nullable=False),
    sa.Column('path', sa.String(), nullable=False),
    sa.Column('evidence', sa.JSON(), nullable=False),
    sa.Column('opened_at', sa.String(length=32), nullable=False),
    sa.Column('captured_at', sa.String(length=32), nullable=False),
    sa.Column('closed_at', sa.String(length=32), nullable=True),
    sa.PrimaryKeyConstraint('capture_id')
    )
    op.create_index(op.f('ix_captures_model'), 'captures', ['model'], unique=False)
    op.create_table('labels',
    sa.Column('model', sa.String(length=100), nullable=False),
    sa.Column('example_id', sa.String(length=300), nullable=False),
    sa.Column('revision', sa.Integer(), nullable=False),
    sa.Column('label', sa.Integer(), nullable=False),
    sa.Column('source', sa.String(length=40), nullable=False),
    sa.Column('who', sa.String(length=100), nullable=False),
    sa.Column('reason', sa.String(), nullable=False),
    sa.Column('known_at', sa.String(length=32), nullable=False),
    sa.PrimaryKeyConstraint('model', 'example_id', 'revision')
    )
    op.create_table('looks',
    sa.Column('look_id', sa.String(length=40), nullable=False),
    sa.Column('model', sa.String(length=100), nullable=False),
    sa.Column('version', sa.String(length=50), nullable=False),
    sa.Column('since_at', sa.String(length=32), nullable=False),
    sa.Column('until_at', sa.String(length=32), nullable=False),
    sa.Column('rows', sa.Integer(), nullable=False),
    sa.Column('verdict', sa.String(length=20), nullable=False),
    sa.Column('reason', sa.String(), nullable=False),
    sa.Column('findings', sa.JSON(), nullable=False),
    sa.Column('evidence', sa.JSON(), nullable=False),
    sa.Column('policy_revision', sa.String(length=20), nullable=False),
    sa.Column('seconds', sa.Float(), nullable=False),
    sa.Column('looked_at', sa.String(length=32), nullable=False),
    sa.PrimaryKeyConstraint('look_id')
    )
    op.create_index(op.f('ix_looks_looked_at'), 'looks', ['looked_at'], unique=False)
    op.create_index(op.f('ix_looks_model'), 'looks', ['model'], unique=False)
    op.create_table('profiles',
    sa.Column('model', sa.String(length=100), nullable=False),
    sa.Column('version', sa.String(length=50), nullable=False),
    sa.Column('hour_at', sa.String(length=32), nullable=False),
    sa.Column('part', sa.String(length=120), nullable=False),
    sa.Column('rows', sa.Integer(), nullable=False),
    sa.Column('counts', sa.JSON(), nullable=False),
    sa.Column('counted_at', sa.String(length=32), nullable=False),
    sa.PrimaryKeyConstraint('model', 'version', 'hour_at', 'part')
    )
    op.create_table('proposals',
    sa.Column('proposal_id', sa.String(length=40), nullable=False),
    sa.Column('model', sa.String(length=100), nullable=False),
    sa.Column('version', sa.String(length=50), nullable=False),
    sa.Column('key', sa.String(length=200), nullable=False),
    sa.Column('written', sa.Float(), nullable=False),
    sa.Column('proposed', sa.Float(), nullable=False),
    sa.Column('reason', sa.String(), nullable=False),
    sa.Column('evidence', sa.JSON(), nullable=False),
    sa.Column('policy_revision', sa.String(length=20), nullable=False),
    sa.Column('state', sa.String(length=20), nullable=False),
    sa.Column('who', sa.String(length=100), nullable=True),
    sa.Column('because', sa.String(), nullable=True),
    sa.Column('proposed_at', sa.String(length=32), nullable=False),
    sa.Column('ended_at', sa.String(length=32), nullable=True),
    sa.PrimaryKeyConstraint('proposal_id')
    )
    op.create_index(op.f('ix_proposals_model'), 'proposals', ['model'], unique=False)
    op.create_table('trainings',
    sa.Column('training_id', sa.String(length=40), nullable=False),
    sa.Column('model', sa.String(length=100), nullable=False),
    sa.Column('cause', sa.String(length=40), nullable=False),
    sa.Column('reason', sa.String(), nullable=False),
    sa.Column('alarms', sa.JSON(), nullable=False),
    sa.Column('state', sa.String(length=20), nullable=False),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('version', sa.String(length=50), nullable=True),
    sa.Column('outcome', sa.String(), nullable=True),
    sa.Column('asked_at', sa.String(length=32), nullable=False),
    sa.Column('started_at', sa.String(length=32), nullable=True),
    sa.Column('ended_at', sa.String(length=32), nullable=True),
    sa.PrimaryKeyConstraint('training_id')
    )
    op.create_index(op.f('ix_trainings_model'), 'trainings', ['model'], unique=False)
    op.add_column('quality', sa.Column('detail', sa.JSON(), nullable=True))
    op.add_column('decisions', sa.Column('ordinal', sa.Integer(), server_default='0', nullable=False))
    _number_decisions()


def _number_decisions() -> None:
    # Of one moment, the one that was made from the older plan was stored first.
    connection = op.get_bind()
    made = connection.execute(sa.text('SELECT decision_id, model FROM decisions ORDER BY decided_at, plan_revision'))
    stored: dict[str, int] = {}
    for row in made.fetchall():
        stored[row.model] = stored.get(row.model, 0) + 1
        connection.execute(
            sa.text('UPDATE decisions SET ordinal = :ordinal WHERE decision_id = :decision_id'),
            {'ordinal': stored[row.model], 'decision_id': row.decision_id},
        )
