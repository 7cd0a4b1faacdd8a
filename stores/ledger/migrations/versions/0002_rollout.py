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
