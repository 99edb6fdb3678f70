"""expected phones."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from core.db import Json, UtcDateTime

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "expected_phones",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("serial", sa.String(length=64), nullable=True),
        sa.Column("imei", Json, nullable=False),
        sa.Column("person_id", sa.String(length=36), nullable=False),
        sa.Column("org_unit_id", sa.String(length=36), nullable=True),
        sa.Column("groups", Json, nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.String(length=64), nullable=False),
        sa.Column("device_id", sa.String(length=36), nullable=True),
        sa.Column("arrived_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_expected_phones")),
    )
    with op.batch_alter_table("expected_phones", schema=None) as batch_op:
        batch_op.create_index("ix_expected_phones_created", ["created_at", "id"], unique=False)
        batch_op.create_index("ix_expected_phones_device", ["device_id"], unique=False)
        batch_op.create_index("ix_expected_phones_person", ["person_id"], unique=False)

    op.create_table(
        "expected_phone_keys",
        sa.Column("value", sa.String(length=80), nullable=False),
        sa.Column("phone_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(["phone_id"], ["expected_phones.id"], name=op.f("fk_expected_phone_keys_phone_id")),
        sa.PrimaryKeyConstraint("value", name=op.f("pk_expected_phone_keys")),
    )
    with op.batch_alter_table("expected_phone_keys", schema=None) as batch_op:
        batch_op.create_index("ix_expected_phone_keys_phone", ["phone_id"], unique=False)

    with op.batch_alter_table("enrollment_tokens", schema=None) as batch_op:
        batch_op.add_column(sa.Column("bind_expected", sa.Boolean(), nullable=False, server_default=sa.false()))
    with op.batch_alter_table("enrollment_tokens", schema=None) as batch_op:
        batch_op.alter_column("bind_expected", server_default=None)


def downgrade() -> None:
    """Undo."""
    with op.batch_alter_table("enrollment_tokens", schema=None) as batch_op:
        batch_op.drop_column("bind_expected")

    with op.batch_alter_table("expected_phone_keys", schema=None) as batch_op:
        batch_op.drop_index("ix_expected_phone_keys_phone")

    op.drop_table("expected_phone_keys")
    with op.batch_alter_table("expected_phones", schema=None) as batch_op:
        batch_op.drop_index("ix_expected_phones_person")
        batch_op.drop_index("ix_expected_phones_device")
        batch_op.drop_index("ix_expected_phones_created")

    op.drop_table("expected_phones")
