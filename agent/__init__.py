"""The reference phone: a complete device agent on a simulated handset, and a fleet of them in one process."""
