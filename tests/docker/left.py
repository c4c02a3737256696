"""What an engine still has of a site's networks."""

from lab.runtimes.docker.engine import Engine, InUseError


def networks_left(engine: Engine, labels: dict[str, str]) -> list[str]:
    """Without those in which the engine lost count (moby 42119): nobody has an end there and nobody can remove them."""
    found = []
    for name in engine.networks(labels):
        if not engine.attached(name):
            # One that can be removed here should have been: it is told.
            try:
                engine.remove_network(name)
            except InUseError:
                continue
        found.append(name)
    return found
