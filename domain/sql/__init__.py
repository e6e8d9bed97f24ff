"""SQL as the domain sees it: what a statement names, and whether it may run.

The engine's adapter parses SQL into a `Statement`; `judge` says yes, or no with a reason, the
same for every entrypoint.
"""
