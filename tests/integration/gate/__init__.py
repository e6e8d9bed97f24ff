"""The gate before the query engine: what it refuses, what it lets pass, and what that costs."""
