"""The entrypoints: REST and the command line, and the container that wires all parts."""
