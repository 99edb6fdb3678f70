"""Commands to phones: asking, approving, signing, offering, results; every kind is one file in `kinds/`."""
