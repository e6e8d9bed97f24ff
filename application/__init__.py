"""The use cases: one small class each, whose fields are ports."""
