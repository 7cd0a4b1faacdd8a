"""Scalings: how many gateway replicas there were to be, and why."""

import sqlalchemy as sa
from alembic import op

revision = '0009'
down_revision = '0008'


def upgrade() -> None:
    """Apply the change."""
    op.create_table('scalings',
    sa.Column('at', sa.String(length=32), nullable=False),
    sa.Column('replicas_before', sa.Integer(), nullable=False),
    sa.Column('replicas', sa.Integer(), nullable=False),
    sa.Column('minimum', sa.Integer(), nullable=False),
    sa.Column('maximum', sa.Integer(), nullable=False),
    sa.Column('reason', sa.String(), nullable=False),
    sa.PrimaryKeyConstraint('at')
    )
