"""The throw-away PostgreSQL cluster, shared with the measurements."""

from bench.postgres import PostgresCluster

__all__ = ["PostgresCluster"]
