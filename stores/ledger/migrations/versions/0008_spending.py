"""Spending: what tenants have spent, by day and replica."""

import sqlalchemy as sa
from alembic import op

revision = '0008'
down_revision = '0006'


def upgrade() -> None:
    """Apply the change."""
    op.create_table('spending',
    sa.Column('day', sa.String(length=10), nullable=False),
    sa.Column('model', sa.String(length=100), nullable=False),
    sa.Column('tenant', sa.String(length=200), nullable=False),
    sa.Column('replica', sa.String(length=100), nullable=False),
    sa.Column('cost', sa.Float(), nullable=False),
    sa.Column('written_at', sa.String(length=32), nullable=False),
    sa.PrimaryKeyConstraint('day', 'model', 'tenant', 'replica')
    )
