"""What shadow rules would have done; texts of documents as their authors wrote them; evasions that sets undo."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from core.db import BigId, Json, UtcDateTime

revision = "0019"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "archive_shadow_counts",
        sa.Column("policy", sa.String(length=63), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("policy_version", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("keyword_set", sa.String(length=63), nullable=False),
        sa.Column("set_version", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("action", sa.String(length=10), nullable=False),
        sa.Column("org_unit_id", sa.String(length=36), nullable=False),
        sa.Column("device_id", sa.String(length=36), nullable=False),
        sa.Column("messages", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "policy",
            "day",
            "policy_version",
            "keyword_set",
            "set_version",
            "action",
            "org_unit_id",
            "device_id",
            name=op.f("pk_archive_shadow_counts"),
        ),
    )
    with op.batch_alter_table("archive_shadow_counts", schema=None) as batch_op:
        batch_op.create_index("ix_archive_shadow_counts_keyword_set", ["keyword_set", "day"], unique=False)

    op.create_table(
        "archive_shadow_hits",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("policy", sa.String(length=63), nullable=False),
        sa.Column("policy_version", sa.BigInteger(), nullable=False),
        sa.Column("keyword_set", sa.String(length=63), nullable=False),
        sa.Column("set_version", sa.BigInteger(), nullable=False),
        sa.Column("action", sa.String(length=10), nullable=False),
        sa.Column("terms", Json, nullable=False),
        sa.Column("device_id", sa.String(length=36), nullable=False),
        sa.Column("branch", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_archive_shadow_hits")),
    )
    with op.batch_alter_table("archive_shadow_hits", schema=None) as batch_op:
        batch_op.create_index("ix_archive_shadow_hits_keyword_set", ["keyword_set", "id"], unique=False)
        batch_op.create_index("ix_archive_shadow_hits_policy", ["policy", "keyword_set", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_archive_shadow_hits_received_at"), ["received_at"], unique=False)

    op.create_table(
        "archive_shadow_terms",
        sa.Column("policy", sa.String(length=63), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("policy_version", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("keyword_set", sa.String(length=63), nullable=False),
        sa.Column("set_version", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("term", sa.String(length=128), nullable=False),
        sa.Column("org_unit_id", sa.String(length=36), nullable=False),
        sa.Column("messages", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "policy",
            "day",
            "policy_version",
            "keyword_set",
            "set_version",
            "term",
            "org_unit_id",
            name=op.f("pk_archive_shadow_terms"),
        ),
    )
    with op.batch_alter_table("archive_shadow_terms", schema=None) as batch_op:
        batch_op.create_index("ix_archive_shadow_terms_keyword_set", ["keyword_set", "day"], unique=False)

    with op.batch_alter_table("policy_document_versions", schema=None) as batch_op:
        batch_op.add_column(sa.Column("source", sa.Text(), nullable=True))

    with op.batch_alter_table("policy_documents", schema=None) as batch_op:
        batch_op.add_column(sa.Column("source", sa.Text(), nullable=True))
    _say_what_sets_undo()


def _say_what_sets_undo() -> None:
    """A set without `match` undid no evasion until now, and means all but pinyin from now on: stored ones say so."""
    for name, keys in (("policy_documents", ("id",)), ("policy_document_versions", ("document_id", "version"))):
        table = sa.table(name, *(sa.column(key) for key in (*keys, "kind")), sa.column("spec", Json))
        for row in op.get_bind().execute(_sets(table, keys)).all():
            if "match" not in row.spec:
                mine = sa.and_(*(table.c[key] == getattr(row, key) for key in keys))
                op.execute(table.update().where(mine).values(spec={**row.spec, "match": []}))


def _sets(table: sa.TableClause, keys: tuple[str, ...]) -> sa.Select[tuple[object, ...]]:
    """Rows of keyword sets."""
    chosen = sa.select(*(table.c[key] for key in keys), table.c.spec)
    if "document_id" not in table.c:
        return chosen.where(table.c.kind == "KeywordSet")
    documents = sa.table("policy_documents", sa.column("id"), sa.column("kind"))
    return chosen.join(documents, documents.c.id == table.c.document_id).where(documents.c.kind == "KeywordSet")


def downgrade() -> None:
    """Undo."""
    with op.batch_alter_table("policy_documents", schema=None) as batch_op:
        batch_op.drop_column("source")

    with op.batch_alter_table("policy_document_versions", schema=None) as batch_op:
        batch_op.drop_column("source")

    with op.batch_alter_table("archive_shadow_terms", schema=None) as batch_op:
        batch_op.drop_index("ix_archive_shadow_terms_keyword_set")

    op.drop_table("archive_shadow_terms")
    with op.batch_alter_table("archive_shadow_hits", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_archive_shadow_hits_received_at"))
        batch_op.drop_index("ix_archive_shadow_hits_policy")
        batch_op.drop_index("ix_archive_shadow_hits_keyword_set")

    op.drop_table("archive_shadow_hits")
    with op.batch_alter_table("archive_shadow_counts", schema=None) as batch_op:
        batch_op.drop_index("ix_archive_shadow_counts_keyword_set")

    op.drop_table("archive_shadow_counts")
