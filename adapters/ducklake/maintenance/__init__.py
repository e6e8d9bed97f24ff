"""The lake's files, checked and repaired."""
