"""Speeds that we promise, each as a ratio against a baseline in the same run: `python -m bench`."""
