"""The table port on DuckLake: what each of its operations does with the writer."""
