"""Where a host's engine gives it no default route: the router that its environment names."""

from collections.abc import Mapping

from simulators.errors import ToolMissingError
from simulators.network import linux

ROUTER_VARIABLE = "USINE_ROUTER"


def take_router(environment: Mapping[str, str]) -> None:
    """Nothing where none is named. Raises: ToolMissingError: it needs the right CAP_NET_ADMIN."""
    router = environment.get(ROUTER_VARIABLE)
    if not router:
        return
    try:
        linux.send_by(router)
    except OSError as error:
        raise ToolMissingError(
            f"route par {router} refusée ({error}) ; il faut le droit CAP_NET_ADMIN dans le conteneur",
            f"no route by {router} ({error}); it needs the right CAP_NET_ADMIN in the container",
        ) from error
