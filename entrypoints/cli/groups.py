"""The groups of commands; the modules beside this one put their commands into them."""

from __future__ import annotations

import typer

tables = typer.Typer(help="Make tables, put rows into them and ask them questions.")
datasets = typer.Typer(help="Make buckets, and put, get, list and delete objects in them.")
