"""The demo: a sample company with simulated phones on a real server, built through the public API alone."""
