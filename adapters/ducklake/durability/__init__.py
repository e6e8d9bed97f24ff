"""What a commit names is on the disk before it."""
