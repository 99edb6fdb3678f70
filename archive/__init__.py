"""The archive: what phones recorded, chained, verified, sealed, receipted, and readable to those who may."""
