"""Phones: enrollment, holders, certificates, presence, inventory, groups, findings and their timeline."""
