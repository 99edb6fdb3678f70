"""What tests share: throw-away servers and ways to drive the system."""
