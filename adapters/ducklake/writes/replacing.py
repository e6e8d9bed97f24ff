"""Whether a table is to be made where there may be one."""

from __future__ import annotations

from adapters.ducklake.catalog.metadata import Metadata
from domain.errors import TableExistsError
from domain.tables import IfExists, TableName


def is_to_be_made(metadata: Metadata, name: TableName, if_exists: IfExists) -> bool:
    """Whether a create is to make the table, in the place of the one that is there, if any.

    Raises:
        TableExistsError: When it is there and is to stay as it is without a word, or a view is.
    """
    if metadata.table(name) is not None:
        if if_exists is IfExists.ERROR:
            raise TableExistsError(f"The table {name} is already there.")
        return if_exists is IfExists.REPLACE
    if metadata.has_view(name):
        raise TableExistsError(f"{name} is already there, as a view.")
    return True
