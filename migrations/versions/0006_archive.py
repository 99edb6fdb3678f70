"""archive."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from core.db import Json, UtcDateTime

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "archive_alerts",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("device_id", sa.String(length=36), nullable=False),
        sa.Column("code", sa.String(length=32), nullable=False),
        sa.Column("ref", sa.String(length=36), nullable=True),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("detail", Json, nullable=False),
        sa.Column("acknowledged_at", UtcDateTime(), nullable=True),
        sa.Column("acknowledged_by", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_archive_alerts")),
    )
    with op.batch_alter_table("archive_alerts", schema=None) as batch_op:
        batch_op.create_index("ix_archive_alerts_at", ["at", "id"], unique=False)
        batch_op.create_index(
            "ix_archive_alerts_open",
            ["device_id"],
            unique=False,
            sqlite_where=sa.text("acknowledged_at IS NULL"),
            postgresql_where=sa.text("acknowledged_at IS NULL"),
        )

    op.create_table(
        "archive_chains",
        sa.Column("device_id", sa.String(length=36), nullable=False),
        sa.Column("through", sa.BigInteger(), nullable=False),
        sa.Column("head", sa.LargeBinary(), nullable=False),
        sa.Column("highest_seen", sa.BigInteger(), nullable=False),
        sa.Column("refused_first", sa.BigInteger(), nullable=True),
        sa.Column("refused_reason", sa.String(length=32), nullable=True),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("closed_at", UtcDateTime(), nullable=True),
        sa.Column("verified_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("device_id", name=op.f("pk_archive_chains")),
    )
    with op.batch_alter_table("archive_chains", schema=None) as batch_op:
        batch_op.create_index("ix_archive_chains_verified_at", ["verified_at"], unique=False)

    op.create_table(
        "archive_events",
        sa.Column("device_id", sa.String(length=36), nullable=False),
        sa.Column("event_id", sa.String(length=36), nullable=False),
        sa.Column("seen_at", UtcDateTime(), nullable=False),
        sa.Column("told_at", UtcDateTime(), nullable=True),
        sa.Column("record_seq", sa.BigInteger(), nullable=True),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("type", sa.String(length=32), nullable=False),
        sa.Column("severity", sa.String(length=10), nullable=False),
        sa.Column("rule", sa.String(length=256), nullable=True),
        sa.Column("blocked", sa.Boolean(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("device_id", "event_id", name=op.f("pk_archive_events")),
    )
    with op.batch_alter_table("archive_events", schema=None) as batch_op:
        batch_op.create_index("ix_archive_events_device_id_seen_at", ["device_id", "seen_at"], unique=False)
        batch_op.create_index("ix_archive_events_seen_at", ["seen_at"], unique=False)

    op.create_table(
        "archive_records",
        sa.Column("device_id", sa.String(length=36), nullable=False),
        sa.Column("branch", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("leaf", sa.LargeBinary(), nullable=False),
        sa.Column("chain", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.Column("late", sa.Boolean(), nullable=False),
        sa.Column("opaque", sa.String(length=32), nullable=True),
        sa.Column("contested", sa.String(length=36), nullable=True),
        sa.Column("at", UtcDateTime(), nullable=True),
        sa.Column("channel", sa.String(length=16), nullable=True),
        sa.Column("kind", sa.String(length=16), nullable=True),
        sa.Column("direction", sa.String(length=4), nullable=True),
        sa.Column("event_id", sa.String(length=36), nullable=True),
    )
    with op.batch_alter_table("archive_records", schema=None) as batch_op:
        batch_op.create_index("ix_archive_records_device_id_seq", ["device_id", "seq"], unique=False)
        batch_op.create_index("ix_archive_records_received_at", ["received_at"], unique=False)

    op.create_table(
        "archive_refused",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("device_id", sa.String(length=36), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("first", sa.BigInteger(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("late", sa.Boolean(), nullable=False),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.Column("last_seen_at", UtcDateTime(), nullable=False),
        sa.Column("times", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("branch", sa.BigInteger(), nullable=True),
        sa.Column("settled_at", UtcDateTime(), nullable=True),
        sa.Column("settled_by", sa.String(length=64), nullable=True),
        sa.Column("settled_reason", sa.String(length=500), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_archive_refused")),
    )
    with op.batch_alter_table("archive_refused", schema=None) as batch_op:
        batch_op.create_index("ix_archive_refused_last_seen_at", ["last_seen_at", "id"], unique=False)
        batch_op.create_index(
            "ix_archive_refused_open",
            ["device_id"],
            unique=False,
            sqlite_where=sa.text("state = 'open'"),
            postgresql_where=sa.text("state = 'open'"),
        )
        batch_op.create_index("uq_archive_refused_device_id_digest", ["device_id", "digest"], unique=True)

    op.create_table(
        "archive_seams",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("device_id", sa.String(length=36), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("prev", sa.LargeBinary(), nullable=True),
        sa.Column("missing_from", sa.BigInteger(), nullable=False),
        sa.Column("cause", sa.String(length=16), nullable=False),
        sa.Column("ref", sa.String(length=36), nullable=True),
        sa.Column("opened_at", UtcDateTime(), nullable=False),
        sa.Column("proven_at", UtcDateTime(), nullable=True),
        sa.Column("healed_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_archive_seams")),
    )
    with op.batch_alter_table("archive_seams", schema=None) as batch_op:
        batch_op.create_index("ix_archive_seams_device_id_seq", ["device_id", "seq"], unique=False)

    op.create_table(
        "archive_waiting",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("device_id", sa.String(length=36), nullable=False),
        sa.Column("first", sa.BigInteger(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.Column("head", sa.LargeBinary(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.Column("late", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_archive_waiting")),
    )
    with op.batch_alter_table("archive_waiting", schema=None) as batch_op:
        batch_op.create_index("ix_archive_waiting_device_id_first", ["device_id", "first"], unique=False)
        batch_op.create_index(batch_op.f("ix_archive_waiting_received_at"), ["received_at"], unique=False)


def downgrade() -> None:
    """Undo."""
    with op.batch_alter_table("archive_waiting", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_archive_waiting_received_at"))
        batch_op.drop_index("ix_archive_waiting_device_id_first")

    op.drop_table("archive_waiting")
    with op.batch_alter_table("archive_seams", schema=None) as batch_op:
        batch_op.drop_index("ix_archive_seams_device_id_seq")

    op.drop_table("archive_seams")
    with op.batch_alter_table("archive_refused", schema=None) as batch_op:
        batch_op.drop_index("uq_archive_refused_device_id_digest")
        batch_op.drop_index(
            "ix_archive_refused_open",
            sqlite_where=sa.text("state = 'open'"),
            postgresql_where=sa.text("state = 'open'"),
        )
        batch_op.drop_index("ix_archive_refused_last_seen_at")

    op.drop_table("archive_refused")
    with op.batch_alter_table("archive_records", schema=None) as batch_op:
        batch_op.drop_index("ix_archive_records_received_at")
        batch_op.drop_index("ix_archive_records_device_id_seq")

    op.drop_table("archive_records")
    with op.batch_alter_table("archive_events", schema=None) as batch_op:
        batch_op.drop_index("ix_archive_events_seen_at")
        batch_op.drop_index("ix_archive_events_device_id_seen_at")

    op.drop_table("archive_events")
    with op.batch_alter_table("archive_chains", schema=None) as batch_op:
        batch_op.drop_index("ix_archive_chains_verified_at")

    op.drop_table("archive_chains")
    with op.batch_alter_table("archive_alerts", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_archive_alerts_open",
            sqlite_where=sa.text("acknowledged_at IS NULL"),
            postgresql_where=sa.text("acknowledged_at IS NULL"),
        )
        batch_op.drop_index("ix_archive_alerts_at")

    op.drop_table("archive_alerts")
