"""Answers that found no room in the queue of reviews, counted by model and kind."""

import sqlalchemy as sa
from alembic import op

revision = '0010'
down_revision = '0009'


def upgrade() -> None:
    """Apply the change."""
    op.create_table('review_overflow',
    sa.Column('model', sa.String(length=100), nullable=False),
    sa.Column('kind', sa.String(length=20), nullable=False),
    sa.Column('number', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('model', 'kind')
    )
