"""fleet."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from core.db import BigId, Json, UtcDateTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "device_findings",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("device_id", sa.String(length=36), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("since", UtcDateTime(), nullable=False),
        sa.Column("detail", Json, nullable=False),
        sa.Column("closed_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_device_findings")),
    )
    with op.batch_alter_table("device_findings", schema=None) as batch_op:
        batch_op.create_index("ix_device_findings_device", ["device_id", "since"], unique=False)
        batch_op.create_index(
            "uq_device_findings_open",
            ["device_id", "code"],
            unique=True,
            sqlite_where=sa.text("closed_at IS NULL"),
            postgresql_where=sa.text("closed_at IS NULL"),
        )

    op.create_table(
        "device_groups",
        sa.Column("name", sa.String(length=63), nullable=False),
        sa.Column("title", sa.String(length=256), nullable=False),
        sa.Column("query", sa.Text(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_device_groups")),
    )
    op.create_table(
        "device_timeline",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("device_id", sa.String(length=36), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("actor_id", sa.String(length=64), nullable=True),
        sa.Column("actor_name", sa.String(length=200), nullable=True),
        sa.Column("ref", sa.String(length=64), nullable=True),
        sa.Column("detail", Json, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_device_timeline")),
    )
    with op.batch_alter_table("device_timeline", schema=None) as batch_op:
        batch_op.create_index("ix_device_timeline_device", ["device_id", "at", "id"], unique=False)

    op.create_table(
        "device_used_jtis",
        sa.Column("device_id", sa.String(length=36), nullable=False),
        sa.Column("jti", sa.String(length=256), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("device_id", "jti", name=op.f("pk_device_used_jtis")),
    )
    with op.batch_alter_table("device_used_jtis", schema=None) as batch_op:
        batch_op.create_index("ix_device_used_jtis_expires", ["expires_at"], unique=False)

    op.create_table(
        "devices",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("state_since", UtcDateTime(), nullable=False),
        sa.Column("state_reason", sa.String(length=500), nullable=False),
        sa.Column("serial", sa.String(length=256), nullable=False),
        sa.Column("imei", Json, nullable=False),
        sa.Column("manufacturer", sa.String(length=256), nullable=False),
        sa.Column("model", sa.String(length=256), nullable=False),
        sa.Column("os", sa.String(length=256), nullable=False),
        sa.Column("os_version", sa.String(length=256), nullable=False),
        sa.Column("agent", sa.String(length=256), nullable=False),
        sa.Column("agent_version", sa.String(length=256), nullable=False),
        sa.Column("specific_id", sa.String(length=256), nullable=True),
        sa.Column("attestation", Json, nullable=True),
        sa.Column("search", sa.Text(), nullable=False),
        sa.Column("signing_key", sa.LargeBinary(), nullable=False),
        sa.Column("signing_kid", sa.String(length=43), nullable=False),
        sa.Column("encryption_key", sa.LargeBinary(), nullable=False),
        sa.Column("encryption_kid", sa.String(length=43), nullable=False),
        sa.Column("org_unit_id", sa.String(length=36), nullable=False),
        sa.Column("person_id", sa.String(length=36), nullable=True),
        sa.Column("holder_confirmed", sa.Boolean(), nullable=False),
        sa.Column("claimed_employee_no", sa.String(length=256), nullable=True),
        sa.Column("serial_confirmed_at", UtcDateTime(), nullable=True),
        sa.Column("notice_version", sa.String(length=256), nullable=True),
        sa.Column("token_id", sa.String(length=36), nullable=False),
        sa.Column("unit_from_token", sa.Boolean(), nullable=False),
        sa.Column("enrolled_at", UtcDateTime(), nullable=False),
        sa.Column("certificate_expires_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_devices")),
    )
    with op.batch_alter_table("devices", schema=None) as batch_op:
        batch_op.create_index("ix_devices_enrolled", ["enrolled_at", "id", "org_unit_id"], unique=False)
        batch_op.create_index("ix_devices_person_id", ["person_id"], unique=False)
        batch_op.create_index("ix_devices_serial", ["serial"], unique=False)
        batch_op.create_index("ix_devices_signing_kid", ["signing_kid"], unique=False)
        batch_op.create_index("ix_devices_state", ["state", "enrolled_at", "id", "org_unit_id"], unique=False)
        batch_op.create_index("ix_devices_token_kid", ["token_id", "signing_kid"], unique=False)

    op.create_table(
        "enrollment_tokens",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("org_unit_id", sa.String(length=36), nullable=True),
        sa.Column("person_id", sa.String(length=36), nullable=True),
        sa.Column("groups", Json, nullable=False),
        sa.Column("max_uses", sa.BigInteger(), nullable=False),
        sa.Column("used", sa.BigInteger(), nullable=False),
        sa.Column("allow_reenroll", sa.Boolean(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.String(length=64), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("revoked_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_enrollment_tokens")),
        sa.UniqueConstraint("digest", name=op.f("uq_enrollment_tokens_digest")),
    )
    with op.batch_alter_table("enrollment_tokens", schema=None) as batch_op:
        batch_op.create_index("ix_enrollment_tokens_created", ["created_at", "id"], unique=False)

    op.create_table(
        "heartbeat_samples",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("device_id", sa.String(length=36), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("battery", sa.Float(), nullable=True),
        sa.Column("charging", sa.Boolean(), nullable=True),
        sa.Column("network", sa.String(length=10), nullable=True),
        sa.Column("storage_free", sa.BigInteger(), nullable=True),
        sa.Column("queue_records", sa.BigInteger(), nullable=True),
        sa.Column("generation", sa.BigInteger(), nullable=True),
        sa.Column("signals", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_heartbeat_samples")),
    )
    with op.batch_alter_table("heartbeat_samples", schema=None) as batch_op:
        batch_op.create_index("ix_heartbeat_samples_at", ["at"], unique=False)
        batch_op.create_index("ix_heartbeat_samples_device", ["device_id", "at"], unique=False)

    op.create_table(
        "notices",
        sa.Column("seq", BigId, autoincrement=True, nullable=False),
        sa.Column("version", sa.String(length=256), nullable=False),
        sa.Column("texts", Json, nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_notices")),
        sa.UniqueConstraint("version", name=op.f("uq_notices_version")),
    )
    op.create_table(
        "orphan_revocations",
        sa.Column("serial", sa.String(length=40), nullable=False),
        sa.Column("revoked_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("serial", name=op.f("pk_orphan_revocations")),
    )
    op.create_table(
        "presence",
        sa.Column("device_id", sa.String(length=36), nullable=False),
        sa.Column("living", sa.Boolean(), nullable=False),
        sa.Column("online", sa.Boolean(), nullable=False),
        sa.Column("connection", sa.String(length=36), nullable=True),
        sa.Column("since", UtcDateTime(), nullable=True),
        sa.Column("last_seen_at", UtcDateTime(), nullable=True),
        sa.Column("heartbeat_at", UtcDateTime(), nullable=True),
        sa.Column("expected_s", sa.BigInteger(), nullable=False),
        sa.Column("battery", sa.Float(), nullable=True),
        sa.Column("charging", sa.Boolean(), nullable=True),
        sa.Column("network", sa.String(length=10), nullable=True),
        sa.Column("storage_free", sa.BigInteger(), nullable=True),
        sa.Column("uptime_s", sa.BigInteger(), nullable=True),
        sa.Column("queue_records", sa.BigInteger(), nullable=True),
        sa.Column("queue_oldest", UtcDateTime(), nullable=True),
        sa.Column("generation", sa.BigInteger(), nullable=True),
        sa.Column("bundle", sa.String(length=64), nullable=True),
        sa.Column("posture", Json, nullable=True),
        sa.Column("signals", sa.String(length=200), nullable=False),
        sa.Column("location", sa.LargeBinary(), nullable=True),
        sa.Column("location_at", UtcDateTime(), nullable=True),
        sa.Column("sampled_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("device_id", name=op.f("pk_presence")),
    )
    with op.batch_alter_table("presence", schema=None) as batch_op:
        batch_op.create_index(
            "ix_presence_online",
            ["device_id"],
            unique=False,
            sqlite_where=sa.text("online = 1"),
            postgresql_where=sa.text("online"),
        )

    op.create_table(
        "device_certificates",
        sa.Column("serial", sa.String(length=40), nullable=False),
        sa.Column("device_id", sa.String(length=36), nullable=False),
        sa.Column("pem", sa.Text(), nullable=False),
        sa.Column("issued_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("superseded_at", UtcDateTime(), nullable=True),
        sa.Column("revoked_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["device_id"], ["devices.id"], name=op.f("fk_device_certificates_device_id")),
        sa.PrimaryKeyConstraint("serial", name=op.f("pk_device_certificates")),
    )
    with op.batch_alter_table("device_certificates", schema=None) as batch_op:
        batch_op.create_index("ix_device_certificates_device", ["device_id", "issued_at"], unique=False)
        batch_op.create_index(
            "ix_device_certificates_revoked",
            ["expires_at"],
            unique=False,
            sqlite_where=sa.text("revoked_at IS NOT NULL"),
            postgresql_where=sa.text("revoked_at IS NOT NULL"),
        )

    op.create_table(
        "device_group_members",
        sa.Column("group_name", sa.String(length=63), nullable=False),
        sa.Column("device_id", sa.String(length=36), nullable=False),
        sa.Column("source", sa.String(length=10), nullable=False),
        sa.ForeignKeyConstraint(["device_id"], ["devices.id"], name=op.f("fk_device_group_members_device_id")),
        sa.ForeignKeyConstraint(
            ["group_name"], ["device_groups.name"], name=op.f("fk_device_group_members_group_name")
        ),
        sa.PrimaryKeyConstraint("group_name", "device_id", name=op.f("pk_device_group_members")),
    )
    with op.batch_alter_table("device_group_members", schema=None) as batch_op:
        batch_op.create_index("ix_device_group_members_device", ["device_id"], unique=False)

    op.create_table(
        "device_holdings",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("device_id", sa.String(length=36), nullable=False),
        sa.Column("person_id", sa.String(length=36), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("confirmed_at", UtcDateTime(), nullable=True),
        sa.Column("confirmed_by", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(["device_id"], ["devices.id"], name=op.f("fk_device_holdings_device_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_device_holdings")),
    )
    with op.batch_alter_table("device_holdings", schema=None) as batch_op:
        batch_op.create_index("ix_device_holdings_device", ["device_id", "started_at"], unique=False)
        batch_op.create_index("ix_device_holdings_person", ["person_id", "started_at"], unique=False)
        batch_op.create_index(
            "uq_device_holdings_open",
            ["device_id"],
            unique=True,
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        )

    op.create_table(
        "device_inventory",
        sa.Column("device_id", sa.String(length=36), nullable=False),
        sa.Column("iat", sa.BigInteger(), nullable=False),
        sa.Column("jtis", Json, nullable=False),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.Column("answer_at", UtcDateTime(), nullable=False),
        sa.Column("connection", sa.String(length=36), nullable=False),
        sa.Column("boot_id", sa.String(length=256), nullable=False),
        sa.Column("boots", Json, nullable=False),
        sa.Column("agent_version", sa.String(length=256), nullable=False),
        sa.Column("capabilities", Json, nullable=False),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.Column("highest_generation", sa.BigInteger(), nullable=False),
        sa.Column("bundle", sa.String(length=64), nullable=True),
        sa.Column("contacts_version", sa.BigInteger(), nullable=False),
        sa.Column("next_seq", sa.BigInteger(), nullable=False),
        sa.Column("oldest_seq", sa.BigInteger(), nullable=False),
        sa.Column("archived_through", sa.BigInteger(), nullable=False),
        sa.Column("clock_skew_s", sa.BigInteger(), nullable=False),
        sa.Column("notice_version", sa.String(length=256), nullable=True),
        sa.ForeignKeyConstraint(["device_id"], ["devices.id"], name=op.f("fk_device_inventory_device_id")),
        sa.PrimaryKeyConstraint("device_id", name=op.f("pk_device_inventory")),
    )
    op.create_table(
        "notice_acceptances",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("device_id", sa.String(length=36), nullable=False),
        sa.Column("person_id", sa.String(length=36), nullable=False),
        sa.Column("version", sa.String(length=256), nullable=False),
        sa.Column("accepted_at", UtcDateTime(), nullable=False),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["device_id"], ["devices.id"], name=op.f("fk_notice_acceptances_device_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice_acceptances")),
    )
    with op.batch_alter_table("notice_acceptances", schema=None) as batch_op:
        batch_op.create_index("ix_notice_acceptances_person", ["person_id"], unique=False)
        batch_op.create_index("uq_notice_acceptances_once", ["device_id", "version", "person_id"], unique=True)


def downgrade() -> None:
    """Undo."""
    with op.batch_alter_table("notice_acceptances", schema=None) as batch_op:
        batch_op.drop_index("uq_notice_acceptances_once")
        batch_op.drop_index("ix_notice_acceptances_person")

    op.drop_table("notice_acceptances")
    op.drop_table("device_inventory")
    with op.batch_alter_table("device_holdings", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_device_holdings_open",
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        )
        batch_op.drop_index("ix_device_holdings_person")
        batch_op.drop_index("ix_device_holdings_device")

    op.drop_table("device_holdings")
    with op.batch_alter_table("device_group_members", schema=None) as batch_op:
        batch_op.drop_index("ix_device_group_members_device")

    op.drop_table("device_group_members")
    with op.batch_alter_table("device_certificates", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_device_certificates_revoked",
            sqlite_where=sa.text("revoked_at IS NOT NULL"),
            postgresql_where=sa.text("revoked_at IS NOT NULL"),
        )
        batch_op.drop_index("ix_device_certificates_device")

    op.drop_table("device_certificates")
    with op.batch_alter_table("presence", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_presence_online", sqlite_where=sa.text("online = 1"), postgresql_where=sa.text("online")
        )

    op.drop_table("presence")
    op.drop_table("orphan_revocations")
    op.drop_table("notices")
    with op.batch_alter_table("heartbeat_samples", schema=None) as batch_op:
        batch_op.drop_index("ix_heartbeat_samples_device")
        batch_op.drop_index("ix_heartbeat_samples_at")

    op.drop_table("heartbeat_samples")
    with op.batch_alter_table("enrollment_tokens", schema=None) as batch_op:
        batch_op.drop_index("ix_enrollment_tokens_created")

    op.drop_table("enrollment_tokens")
    with op.batch_alter_table("devices", schema=None) as batch_op:
        batch_op.drop_index("ix_devices_token_kid")
        batch_op.drop_index("ix_devices_state")
        batch_op.drop_index("ix_devices_signing_kid")
        batch_op.drop_index("ix_devices_serial")
        batch_op.drop_index("ix_devices_person_id")
        batch_op.drop_index("ix_devices_enrolled")

    op.drop_table("devices")
    with op.batch_alter_table("device_used_jtis", schema=None) as batch_op:
        batch_op.drop_index("ix_device_used_jtis_expires")

    op.drop_table("device_used_jtis")
    with op.batch_alter_table("device_timeline", schema=None) as batch_op:
        batch_op.drop_index("ix_device_timeline_device")

    op.drop_table("device_timeline")
    op.drop_table("device_groups")
    with op.batch_alter_table("device_findings", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_device_findings_open",
            sqlite_where=sa.text("closed_at IS NULL"),
            postgresql_where=sa.text("closed_at IS NULL"),
        )
        batch_op.drop_index("ix_device_findings_device")

    op.drop_table("device_findings")
