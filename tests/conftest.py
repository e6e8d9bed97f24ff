from hypothesis import settings

pytest_plugins = ["tests.servers.fixtures"]

# How long an example takes says nothing on a machine with other work; benchmarks measure.
settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")
