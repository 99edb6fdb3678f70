"""compliance."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from core.db import Json, UtcDateTime

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

RUNNING, OPEN = sa.text("ended_at IS NULL"), sa.text("closed_at IS NULL")
FIRST_STATES = """
    INSERT INTO compliance_states
        (device_id, state, since, findings, excepted, hints, step, evaluated_at, due_at)
    SELECT id, 'unknown', enrolled_at, 0, 0, 0, 'none', enrolled_at, enrolled_at
    FROM devices WHERE state IN ('active', 'lost')
"""
"""Phones that are in the fleet already are judged as soon as the job runs."""


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "compliance_exceptions",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("scope", sa.String(length=10), nullable=False),
        sa.Column("target", sa.String(length=63), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.String(length=64), nullable=False),
        sa.Column("created_by_name", sa.String(length=200), nullable=False),
        sa.Column("until", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("ended_by", sa.String(length=64), nullable=True),
        sa.Column("ended_by_name", sa.String(length=200), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_compliance_exceptions")),
    )
    with op.batch_alter_table("compliance_exceptions", schema=None) as batch_op:
        batch_op.create_index("ix_compliance_exceptions_created_at", ["created_at", "id"], unique=False)
        batch_op.create_index(
            "ix_compliance_exceptions_running", ["until"], unique=False, sqlite_where=RUNNING, postgresql_where=RUNNING
        )

    op.create_table(
        "compliance_samples",
        sa.Column("span", sa.String(length=4), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("org_unit_id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=5), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("devices", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("span", "at", "org_unit_id", "kind", "name", name=op.f("pk_compliance_samples")),
    )
    op.create_table(
        "compliance_sims",
        sa.Column("device_id", sa.String(length=36), nullable=False),
        sa.Column("sims", Json, nullable=False),
        sa.Column("changed", sa.Boolean(), nullable=False),
        sa.Column("since", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("device_id", name=op.f("pk_compliance_sims")),
    )
    op.create_table(
        "compliance_states",
        sa.Column("device_id", sa.String(length=36), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("since", UtcDateTime(), nullable=False),
        sa.Column("severity", sa.String(length=10), nullable=True),
        sa.Column("findings", sa.BigInteger(), nullable=False),
        sa.Column("excepted", sa.BigInteger(), nullable=False),
        sa.Column("hints", sa.BigInteger(), nullable=False),
        sa.Column("step", sa.String(length=16), nullable=False),
        sa.Column("step_since", UtcDateTime(), nullable=True),
        sa.Column("step_code", sa.String(length=64), nullable=True),
        sa.Column("step_held", sa.String(length=10), nullable=True),
        sa.Column("evaluated_at", UtcDateTime(), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("device_id", name=op.f("pk_compliance_states")),
    )
    with op.batch_alter_table("compliance_states", schema=None) as batch_op:
        batch_op.create_index("ix_compliance_states_due_at", ["due_at"], unique=False)
        batch_op.create_index("ix_compliance_states_state", ["state", "device_id"], unique=False)

    with op.batch_alter_table("device_findings", schema=None) as batch_op:
        batch_op.add_column(sa.Column("seen_at", UtcDateTime(), nullable=True))
        batch_op.add_column(sa.Column("source", sa.String(length=16), nullable=True))
        batch_op.add_column(sa.Column("judged_at", UtcDateTime(), nullable=True))
        batch_op.add_column(sa.Column("excepted_until", UtcDateTime(), nullable=True))
        batch_op.add_column(sa.Column("counted_from", UtcDateTime(), nullable=True))
    op.execute("UPDATE device_findings SET seen_at = since, judged_at = since")
    op.execute(FIRST_STATES)
    with op.batch_alter_table("device_findings", schema=None) as batch_op:
        batch_op.alter_column("seen_at", existing_type=UtcDateTime(), nullable=False)
        batch_op.alter_column("judged_at", existing_type=UtcDateTime(), nullable=False)
        batch_op.create_index("ix_device_findings_closed", ["closed_at"], unique=False)
        batch_op.create_index(
            "ix_device_findings_code", ["code", "since", "id"], unique=False, sqlite_where=OPEN, postgresql_where=OPEN
        )
        batch_op.create_index(
            "ix_device_findings_since", ["since", "id"], unique=False, sqlite_where=OPEN, postgresql_where=OPEN
        )


def downgrade() -> None:
    """Undo."""
    with op.batch_alter_table("device_findings", schema=None) as batch_op:
        batch_op.drop_index("ix_device_findings_since", sqlite_where=OPEN, postgresql_where=OPEN)
        batch_op.drop_index("ix_device_findings_code", sqlite_where=OPEN, postgresql_where=OPEN)
        batch_op.drop_index("ix_device_findings_closed")
        batch_op.drop_column("counted_from")
        batch_op.drop_column("excepted_until")
        batch_op.drop_column("judged_at")
        batch_op.drop_column("source")
        batch_op.drop_column("seen_at")

    with op.batch_alter_table("compliance_states", schema=None) as batch_op:
        batch_op.drop_index("ix_compliance_states_state")
        batch_op.drop_index("ix_compliance_states_due_at")

    op.drop_table("compliance_states")
    op.drop_table("compliance_sims")
    op.drop_table("compliance_samples")
    with op.batch_alter_table("compliance_exceptions", schema=None) as batch_op:
        batch_op.drop_index("ix_compliance_exceptions_running", sqlite_where=RUNNING, postgresql_where=RUNNING)
        batch_op.drop_index("ix_compliance_exceptions_created_at")

    op.drop_table("compliance_exceptions")
