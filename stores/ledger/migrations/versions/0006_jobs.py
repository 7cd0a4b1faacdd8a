"""Jobs, and the messages that tell of their end."""

import sqlalchemy as sa
from alembic import op

revision = '0006'
down_revision = '0005'


def upgrade() -> None:
    """Apply the change."""
    op.create_table('jobs',
    sa.Column('job_id', sa.String(length=40), nullable=False),
    sa.Column('model', sa.String(length=100), nullable=False),
    sa.Column('version', sa.String(length=50), nullable=False),
    sa.Column('plan_revision', sa.Integer(), nullable=False),
    sa.Column('action', sa.String(length=20), nullable=False),
    sa.Column('tenant', sa.String(length=100), nullable=True),
    sa.Column('priority', sa.Integer(), nullable=False),
    sa.Column('state', sa.String(length=20), nullable=False),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('token', sa.Integer(), nullable=False),
    sa.Column('holder', sa.String(length=100), nullable=True),
    sa.Column('due_at', sa.String(length=32), nullable=True),
    sa.Column('reason', sa.String(), nullable=True),
    sa.Column('webhook', sa.String(), nullable=True),
    sa.Column('enqueued_at', sa.String(length=32), nullable=False),
    sa.Column('started_at', sa.String(length=32), nullable=True),
    sa.Column('ended_at', sa.String(length=32), nullable=True),
    sa.Column('headers', sa.JSON(), nullable=False),
    sa.Column('body', sa.LargeBinary(), nullable=False),
    sa.Column('status', sa.Integer(), nullable=True),
    sa.Column('content_type', sa.String(length=100), nullable=True),
    sa.Column('answer_headers', sa.JSON(), nullable=True),
    sa.Column('answer', sa.LargeBinary(), nullable=True),
    sa.PrimaryKeyConstraint('job_id')
    )
    due = sa.text('due_at IS NOT NULL')
    op.create_index('ix_jobs_due', 'jobs', ['model', 'priority', 'enqueued_at', 'job_id'], sqlite_where=due, postgresql_where=due)
    op.create_index('ix_jobs_ended', 'jobs', ['model', 'ended_at'])
    op.create_table('job_rows',
    sa.Column('entry_id', sa.String(length=40), nullable=False),
    sa.Column('number', sa.Integer(), nullable=True),
    sa.Column('stored_at', sa.String(length=32), nullable=False),
    sa.Column('rows', sa.LargeBinary(), nullable=False),
    sa.PrimaryKeyConstraint('entry_id')
    )
    op.create_index(op.f('ix_job_rows_number'), 'job_rows', ['number'], unique=False)
    op.create_index(op.f('ix_job_rows_stored_at'), 'job_rows', ['stored_at'], unique=False)
    op.create_table('deliveries',
    sa.Column('job_id', sa.String(length=40), nullable=False),
    sa.Column('model', sa.String(length=100), nullable=False),
    sa.Column('url', sa.String(), nullable=False),
    sa.Column('state', sa.String(length=20), nullable=False),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('token', sa.Integer(), nullable=False),
    sa.Column('due_at', sa.String(length=32), nullable=True),
    sa.Column('last_error', sa.String(), nullable=True),
    sa.Column('created_at', sa.String(length=32), nullable=False),
    sa.Column('ended_at', sa.String(length=32), nullable=True),
    sa.PrimaryKeyConstraint('job_id')
    )
    op.create_index('ix_deliveries_due', 'deliveries', ['model', 'due_at'], sqlite_where=due, postgresql_where=due)
    op.create_index('ix_deliveries_state', 'deliveries', ['model', 'state'])
