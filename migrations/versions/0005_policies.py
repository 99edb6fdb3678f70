"""policies."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from core.db import BigId, Json, UtcDateTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "desired_history",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("device_id", sa.String(length=36), nullable=False),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.Column("bundle", sa.String(length=64), nullable=False),
        sa.Column("mixture", sa.String(length=64), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_desired_history")),
    )
    with op.batch_alter_table("desired_history", schema=None) as batch_op:
        batch_op.create_index("ix_desired_history_device", ["device_id", "generation"], unique=False)

    op.create_table(
        "desired_states",
        sa.Column("device_id", sa.String(length=36), nullable=False),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.Column("bundle", sa.String(length=64), nullable=False),
        sa.Column("mixture", sa.String(length=64), nullable=False),
        sa.Column("since", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("device_id", name=op.f("pk_desired_states")),
    )
    with op.batch_alter_table("desired_states", schema=None) as batch_op:
        batch_op.create_index("ix_desired_states_bundle", ["bundle"], unique=False)

    op.create_table(
        "policy_blobs",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("document_digest", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("name", sa.String(length=63), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("retained", sa.Boolean(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_policy_blobs")),
        sa.UniqueConstraint("document_digest", name=op.f("uq_policy_blobs_document_digest")),
    )
    op.create_table(
        "policy_documents",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("name", sa.String(length=63), nullable=False),
        sa.Column("title", sa.String(length=100), nullable=True),
        sa.Column("spec", Json, nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("updated_by", sa.String(length=200), nullable=False),
        sa.Column("deleted_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_policy_documents")),
    )
    with op.batch_alter_table("policy_documents", schema=None) as batch_op:
        batch_op.create_index("uq_policy_documents_kind_name", ["kind", "name"], unique=True)

    op.create_table(
        "policy_lock",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_policy_lock")),
    )
    op.create_table(
        "policy_mixtures",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("sources", Json, nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_policy_mixtures")),
    )
    op.create_table(
        "reported_history",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("device_id", sa.String(length=36), nullable=False),
        sa.Column("generation", sa.BigInteger(), nullable=True),
        sa.Column("bundle", sa.String(length=64), nullable=True),
        sa.Column("outcome", sa.String(length=10), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reported_history")),
    )
    with op.batch_alter_table("reported_history", schema=None) as batch_op:
        batch_op.create_index("ix_reported_history_device", ["device_id", "at"], unique=False)

    op.create_table(
        "reported_states",
        sa.Column("device_id", sa.String(length=36), nullable=False),
        sa.Column("iat", sa.BigInteger(), nullable=False),
        sa.Column("generation", sa.BigInteger(), nullable=True),
        sa.Column("bundle", sa.String(length=64), nullable=True),
        sa.Column("outcome", sa.String(length=10), nullable=False),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.Column("rules", Json, nullable=False),
        sa.Column("applied_generation", sa.BigInteger(), nullable=True),
        sa.Column("applied_bundle", sa.String(length=64), nullable=True),
        sa.Column("applied_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("device_id", name=op.f("pk_reported_states")),
    )
    op.create_table(
        "rollouts",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("emergency", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.String(length=200), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=True),
        sa.Column("finished_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rollouts")),
    )
    op.create_table(
        "policy_assignments",
        sa.Column("document_id", sa.String(length=36), nullable=False),
        sa.Column("policy_id", sa.String(length=36), nullable=False),
        sa.Column("org_unit_id", sa.String(length=36), nullable=True),
        sa.Column("group_name", sa.String(length=63), nullable=True),
        sa.Column("device_id", sa.String(length=36), nullable=True),
        sa.ForeignKeyConstraint(
            ["document_id"], ["policy_documents.id"], name=op.f("fk_policy_assignments_document_id")
        ),
        sa.ForeignKeyConstraint(["policy_id"], ["policy_documents.id"], name=op.f("fk_policy_assignments_policy_id")),
        sa.PrimaryKeyConstraint("document_id", name=op.f("pk_policy_assignments")),
    )
    with op.batch_alter_table("policy_assignments", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_policy_assignments_org_unit_id"), ["org_unit_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_policy_assignments_policy_id"), ["policy_id"], unique=False)

    op.create_table(
        "policy_bundle_parts",
        sa.Column("bundle_digest", sa.String(length=64), nullable=False),
        sa.Column("blob_digest", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["blob_digest"], ["policy_blobs.digest"], name=op.f("fk_policy_bundle_parts_blob_digest")
        ),
        sa.ForeignKeyConstraint(
            ["bundle_digest"], ["policy_blobs.digest"], name=op.f("fk_policy_bundle_parts_bundle_digest")
        ),
        sa.PrimaryKeyConstraint("bundle_digest", "blob_digest", name=op.f("pk_policy_bundle_parts")),
    )
    op.create_table(
        "policy_document_versions",
        sa.Column("document_id", sa.String(length=36), nullable=False),
        sa.Column("version", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("title", sa.String(length=100), nullable=True),
        sa.Column("spec", Json, nullable=False),
        sa.Column("restores", sa.BigInteger(), nullable=True),
        sa.Column("published_at", UtcDateTime(), nullable=False),
        sa.Column("published_by", sa.String(length=200), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.ForeignKeyConstraint(
            ["document_id"], ["policy_documents.id"], name=op.f("fk_policy_document_versions_document_id")
        ),
        sa.PrimaryKeyConstraint("document_id", "version", name=op.f("pk_policy_document_versions")),
    )
    op.create_table(
        "policy_versions_in_force",
        sa.Column("document_id", sa.String(length=36), nullable=False),
        sa.Column("scope", sa.String(length=80), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("rollout_id", sa.String(length=36), nullable=False),
        sa.Column("since", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["document_id"], ["policy_documents.id"], name=op.f("fk_policy_versions_in_force_document_id")
        ),
        sa.PrimaryKeyConstraint("document_id", "scope", name=op.f("pk_policy_versions_in_force")),
    )
    op.create_table(
        "rollout_devices",
        sa.Column("rollout_id", sa.String(length=36), nullable=False),
        sa.Column("device_id", sa.String(length=36), nullable=False),
        sa.Column("ring", sa.BigInteger(), nullable=False),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("targeted_at", UtcDateTime(), nullable=False),
        sa.Column("settled_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["rollout_id"], ["rollouts.id"], name=op.f("fk_rollout_devices_rollout_id")),
        sa.PrimaryKeyConstraint("rollout_id", "device_id", name=op.f("pk_rollout_devices")),
    )
    with op.batch_alter_table("rollout_devices", schema=None) as batch_op:
        batch_op.create_index("ix_rollout_devices_device", ["device_id", "generation"], unique=False)
        batch_op.create_index("ix_rollout_devices_state", ["rollout_id", "state"], unique=False)

    op.create_table(
        "rollout_items",
        sa.Column("rollout_id", sa.String(length=36), nullable=False),
        sa.Column("document_id", sa.String(length=36), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["document_id"], ["policy_documents.id"], name=op.f("fk_rollout_items_document_id")),
        sa.ForeignKeyConstraint(["rollout_id"], ["rollouts.id"], name=op.f("fk_rollout_items_rollout_id")),
        sa.PrimaryKeyConstraint("rollout_id", "document_id", name=op.f("pk_rollout_items")),
    )
    op.create_table(
        "rollout_rings",
        sa.Column("rollout_id", sa.String(length=36), nullable=False),
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.String(length=63), nullable=False),
        sa.Column("selector", Json, nullable=False),
        sa.Column("gates", Json, nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=True),
        sa.Column("finished_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["rollout_id"], ["rollouts.id"], name=op.f("fk_rollout_rings_rollout_id")),
        sa.PrimaryKeyConstraint("rollout_id", "position", name=op.f("pk_rollout_rings")),
    )


def downgrade() -> None:
    """Undo."""
    op.drop_table("rollout_rings")
    op.drop_table("rollout_items")
    with op.batch_alter_table("rollout_devices", schema=None) as batch_op:
        batch_op.drop_index("ix_rollout_devices_state")
        batch_op.drop_index("ix_rollout_devices_device")

    op.drop_table("rollout_devices")
    op.drop_table("policy_versions_in_force")
    op.drop_table("policy_document_versions")
    op.drop_table("policy_bundle_parts")
    with op.batch_alter_table("policy_assignments", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_policy_assignments_policy_id"))
        batch_op.drop_index(batch_op.f("ix_policy_assignments_org_unit_id"))

    op.drop_table("policy_assignments")
    op.drop_table("rollouts")
    op.drop_table("reported_states")
    with op.batch_alter_table("reported_history", schema=None) as batch_op:
        batch_op.drop_index("ix_reported_history_device")

    op.drop_table("reported_history")
    op.drop_table("policy_mixtures")
    op.drop_table("policy_lock")
    with op.batch_alter_table("policy_documents", schema=None) as batch_op:
        batch_op.drop_index("uq_policy_documents_kind_name")

    op.drop_table("policy_documents")
    op.drop_table("policy_blobs")
    with op.batch_alter_table("desired_states", schema=None) as batch_op:
        batch_op.drop_index("ix_desired_states_bundle")

    op.drop_table("desired_states")
    with op.batch_alter_table("desired_history", schema=None) as batch_op:
        batch_op.drop_index("ix_desired_history_device")

    op.drop_table("desired_history")
