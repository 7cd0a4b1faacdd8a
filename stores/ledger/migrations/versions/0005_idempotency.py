"""Idempotency keys."""

import sqlalchemy as sa
from alembic import op

revision = '0005'
down_revision = '0004'


def upgrade() -> None:
    """Apply the change."""
    op.create_table('idempotency_keys',
    sa.Column('digest', sa.String(length=64), nullable=False),
    sa.Column('fingerprint', sa.String(length=64), nullable=False),
    sa.Column('claim', sa.String(length=26), nullable=False),
    sa.Column('owner', sa.String(length=200), nullable=False),
    sa.Column('place', sa.String(length=40), nullable=False),
    sa.Column('former', sa.JSON(), nullable=False),
    sa.Column('lease_until', sa.String(length=32), nullable=False),
    sa.Column('expires_at', sa.String(length=32), nullable=False),
    sa.Column('status', sa.Integer(), nullable=True),
    sa.Column('content_type', sa.String(length=100), nullable=True),
    sa.Column('headers', sa.JSON(), nullable=True),
    sa.Column('body', sa.LargeBinary(), nullable=True),
    sa.PrimaryKeyConstraint('digest')
    )
    op.create_index(op.f('ix_idempotency_keys_claim'), 'idempotency_keys', ['claim'], unique=False)
    op.create_index(op.f('ix_idempotency_keys_expires_at'), 'idempotency_keys', ['expires_at'], unique=False)
