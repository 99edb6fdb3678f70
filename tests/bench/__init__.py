"""The measurements: that they run and count right; how fast they find us is theirs to say."""
