"""Imports: people, phones and org units from files, looked at before they are taken."""
