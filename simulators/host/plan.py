"""What a host is asked to run."""

import msgspec


class Plan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One lab. `folder` keeps what survives a restart; `control` is the path of the control channel's socket.

    `forwards` are the ports on 127.0.0.1 that the user's own tools have been told, by device: empty at the
    first start, kept at the next ones. `only` runs a part of the line in a process of its own: a device's
    id, or `plant`; `field` is then the path of the field bus that joins the parts.
    """

    name: str
    line: str
    seed: int
    folder: str
    control: str
    token: str
    speed: float = 1.0
    origin_unix_s: float = 0.0
    forwards: dict[str, int] = {}
    flat: bool = False
    only: str | None = None
    field: str | None = None
