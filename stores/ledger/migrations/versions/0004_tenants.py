"""Doors: tenants, API keys, and the audit log of deeds."""

import sqlalchemy as sa
from alembic import op

revision = '0004'
down_revision = '0003'


def upgrade() -> None:
    """Apply the change."""
    op.create_table('tenants',
    sa.Column('name', sa.String(length=63), nullable=False),
    sa.Column('per_second', sa.Float(), nullable=False),
    sa.Column('burst', sa.Integer(), nullable=False),
    sa.Column('highest', sa.String(length=20), nullable=False),
    sa.Column('changed_at', sa.String(length=32), nullable=False),
    sa.PrimaryKeyConstraint('name')
    )
    op.create_table('api_keys',
    sa.Column('key_id', sa.String(length=12), nullable=False),
    sa.Column('tenant', sa.String(length=63), nullable=False),
    sa.Column('role', sa.String(length=20), nullable=False),
    sa.Column('digest', sa.String(length=64), nullable=False),
    sa.Column('person', sa.String(length=100), nullable=True),
    sa.Column('created_at', sa.String(length=32), nullable=False),
    sa.Column('revoked_at', sa.String(length=32), nullable=True),
    sa.PrimaryKeyConstraint('key_id')
    )
    op.create_index(op.f('ix_api_keys_tenant'), 'api_keys', ['tenant'], unique=False)
    op.create_table('deeds',
    sa.Column('deed_id', sa.String(length=40), nullable=False),
    sa.Column('at', sa.String(length=32), nullable=False),
    sa.Column('action', sa.String(length=40), nullable=False),
    sa.Column('subject', sa.String(length=300), nullable=False),
    sa.Column('detail', sa.String(), nullable=False),
    sa.Column('who', sa.String(length=100), nullable=False),
    sa.Column('key_id', sa.String(length=12), nullable=True),
    sa.Column('tenant', sa.String(length=63), nullable=True),
    sa.Column('role', sa.String(length=20), nullable=True),
    sa.Column('outcome', sa.String(length=20), nullable=False),
    sa.Column('reason', sa.String(), nullable=False),
    sa.PrimaryKeyConstraint('deed_id')
    )
    op.create_index(op.f('ix_deeds_at'), 'deeds', ['at'], unique=False)
