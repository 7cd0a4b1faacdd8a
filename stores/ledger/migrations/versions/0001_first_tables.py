"""first tables."""

import sqlalchemy as sa
from alembic import op

revision = '0001'
down_revision = None


def upgrade() -> None:
    """Apply the change."""
    op.create_table('arms',
    sa.Column('model', sa.String(length=100), nullable=False),
    sa.Column('replica', sa.String(length=100), nullable=False),
    sa.Column('plan_revision', sa.Integer(), nullable=False),
    sa.Column('versions', sa.JSON(), nullable=False),
    sa.Column('ready', sa.Integer(), nullable=False),
    sa.Column('detail', sa.String(), nullable=False),
    sa.Column('reported_at', sa.String(length=32), nullable=False),
    sa.PrimaryKeyConstraint('model', 'replica')
    )
    op.create_table('batches',
    sa.Column('batch_id', sa.String(length=40), nullable=False),
    sa.Column('model', sa.String(length=100), nullable=False),
    sa.Column('stream', sa.String(length=50), nullable=False),
    sa.Column('start_at', sa.String(length=32), nullable=False),
    sa.Column('end_at', sa.String(length=32), nullable=False),
    sa.Column('rows_in', sa.Integer(), nullable=False),
    sa.Column('rows_kept', sa.Integer(), nullable=False),
    sa.Column('rows_quarantined', sa.Integer(), nullable=False),
    sa.Column('accepted', sa.Integer(), nullable=False),
    sa.Column('reason', sa.String(), nullable=False),
    sa.Column('seconds', sa.Float(), nullable=False),
    sa.Column('recorded_at', sa.String(length=32), nullable=False),
    sa.PrimaryKeyConstraint('batch_id')
    )
    op.create_index(op.f('ix_batches_model'), 'batches', ['model'], unique=False)
    op.create_index(op.f('ix_batches_recorded_at'), 'batches', ['recorded_at'], unique=False)
    op.create_table('decisions',
    sa.Column('decision_id', sa.String(length=40), nullable=False),
    sa.Column('model', sa.String(length=100), nullable=False),
    sa.Column('version', sa.String(length=50), nullable=False),
    sa.Column('action', sa.String(length=40), nullable=False),
    sa.Column('verdict', sa.String(length=20), nullable=False),
    sa.Column('reason', sa.String(), nullable=False),
    sa.Column('findings', sa.JSON(), nullable=False),
    sa.Column('evidence', sa.JSON(), nullable=False),
    sa.Column('policy_revision', sa.String(length=20), nullable=False),
    sa.Column('plan_revision', sa.Integer(), nullable=False),
    sa.Column('actor', sa.String(length=100), nullable=False),
    sa.Column('decided_at', sa.String(length=32), nullable=False),
    sa.PrimaryKeyConstraint('decision_id')
    )
    op.create_index(op.f('ix_decisions_decided_at'), 'decisions', ['decided_at'], unique=False)
    op.create_index(op.f('ix_decisions_model'), 'decisions', ['model'], unique=False)
    op.create_table('leases',
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('holder', sa.String(length=100), nullable=False),
    sa.Column('expires_at', sa.String(length=32), nullable=False),
    sa.PrimaryKeyConstraint('name')
    )
    op.create_table('plans',
    sa.Column('model', sa.String(length=100), nullable=False),
    sa.Column('revision', sa.Integer(), nullable=False),
    sa.Column('champion', sa.String(length=50), nullable=True),
    sa.Column('previous', sa.String(length=50), nullable=True),
    sa.Column('written_at', sa.String(length=32), nullable=False),
    sa.PrimaryKeyConstraint('model', 'revision')
    )
    op.create_table('quality',
    sa.Column('model', sa.String(length=100), nullable=False),
    sa.Column('version', sa.String(length=50), nullable=False),
    sa.Column('until_at', sa.String(length=32), nullable=False),
    sa.Column('since_at', sa.String(length=32), nullable=False),
    sa.Column('predictions', sa.Integer(), nullable=False),
    sa.Column('labelled', sa.Integer(), nullable=False),
    sa.Column('metrics', sa.JSON(), nullable=False),
    sa.Column('measured_at', sa.String(length=32), nullable=False),
    sa.PrimaryKeyConstraint('model', 'version', 'until_at')
    )
    op.create_table('replay',
    sa.Column('only', sa.Integer(), nullable=False),
    sa.Column('at', sa.String(length=32), nullable=False),
    sa.PrimaryKeyConstraint('only')
    )
    op.create_table('watermarks',
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('at', sa.String(length=32), nullable=False),
    sa.PrimaryKeyConstraint('name')
    )


def downgrade() -> None:
    """Take the change back."""
    op.drop_table('watermarks')
    op.drop_table('replay')
    op.drop_table('quality')
    op.drop_table('plans')
    op.drop_table('leases')
    op.drop_index(op.f('ix_decisions_model'), table_name='decisions')
    op.drop_index(op.f('ix_decisions_decided_at'), table_name='decisions')
    op.drop_table('decisions')
    op.drop_index(op.f('ix_batches_recorded_at'), table_name='batches')
    op.drop_index(op.f('ix_batches_model'), table_name='batches')
    op.drop_table('batches')
    op.drop_table('arms')
