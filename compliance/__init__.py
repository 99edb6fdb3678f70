"""What is not in order about phones, and what follows: findings, the ladder, exceptions, history."""
