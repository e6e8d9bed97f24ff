"""Objects of the datasets, as the engine reads them."""
