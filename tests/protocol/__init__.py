"""The protocol page against the code: figures, tables, schemas, examples and worked values."""
