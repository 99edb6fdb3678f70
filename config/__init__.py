"""Settings and logging: the only room that reads the environment."""
