"""What an operator does to a whole installation: take it away in a file, bring it back from one."""
