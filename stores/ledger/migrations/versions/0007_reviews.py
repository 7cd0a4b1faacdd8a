"""Reviews: the answers that people are asked about, and how far the prediction log was read for them."""

import sqlalchemy as sa
from alembic import op

revision = '0007'
down_revision = '0006'


def upgrade() -> None:
    """Apply the change."""
    op.create_table('review_intake',
    sa.Column('log', sa.String(length=40), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('log')
    )
    op.create_table('reviews',
    sa.Column('prediction_id', sa.String(length=40), nullable=False),
    sa.Column('model', sa.String(length=100), nullable=False),
    sa.Column('version', sa.String(length=50), nullable=False),
    sa.Column('kind', sa.String(length=20), nullable=False),
    sa.Column('example_id', sa.String(), nullable=False),
    sa.Column('request', sa.String(), nullable=False),
    sa.Column('score', sa.Float(), nullable=False),
    sa.Column('decision', sa.String(), nullable=False),
    sa.Column('decided_by', sa.String(), nullable=True),
    sa.Column('predicted', sa.Integer(), nullable=True),
    sa.Column('tenant', sa.String(), nullable=True),
    sa.Column('served_at', sa.String(length=32), nullable=False),
    sa.Column('due_at', sa.String(length=32), nullable=False),
    sa.Column('entered_at', sa.String(length=32), nullable=False),
    sa.Column('claimed_by', sa.String(length=100), nullable=True),
    sa.Column('claimed_until', sa.String(length=32), nullable=True),
    sa.Column('escalation', sa.String(length=40), nullable=True),
    sa.Column('told_at', sa.String(length=32), nullable=True),
    sa.Column('answer', sa.Integer(), nullable=True),
    sa.Column('answered_by', sa.String(length=100), nullable=True),
    sa.Column('because', sa.String(), nullable=True),
    sa.Column('answered_at', sa.String(length=32), nullable=True),
    sa.Column('request_id', sa.String(), nullable=True),
    sa.PrimaryKeyConstraint('prediction_id')
    )
    op.create_index(op.f('ix_reviews_answered_at'), 'reviews', ['answered_at'], unique=False)
    op.create_index(op.f('ix_reviews_model'), 'reviews', ['model'], unique=False)
