"""People, org tree, roles, sign-in and two-person approvals."""
