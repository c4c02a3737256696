"""A PLC that serves its tags over OPC UA, weak or hard as its configuration says.

Objects/<line>/<group>/<tag> holds one variable a tag (`ns=2;s=Filler.SetPoint`), in the type of its cell, with
EURange and EngineeringUnits where the tag has them and one boolean an alarm (`….Alarms.1`, its text beside it);
Objects/<line>/<device> holds the PLC's identification, diagnostics and methods. Names and descriptions are in
French, or in English for a session that asks for that locale. A client's write goes into the process image, where
the program finds it; the image's changes are shown once a wake-up, dated by the line's clock. TIME travels as a
Duration (milliseconds); a tag with a gain or an offset travels as the raw cell, its EURange too.

Security is the library's, subclassed: channels only by the policies offered, clients by the trust list, sessions
bound to their channel by a random token, users with salted hashes, roles checked on every read, write, call and
sample, lock-out, limits and an audit trail. A key left out of the configuration has its hardened value; the empty
configuration is the weak one that plants are delivered with. Call `preload()` in the process that forks the labs:
the standard address space (6 000 nodes) is then built once and shared.
"""

from simulators.contracts import Context
from simulators.devices.opcua_plc.config import SCHEMA, Configuration, parse
from simulators.devices.opcua_plc.device import OpcuaPlc
from simulators.devices.opcua_plc.preload import preload

KIND = "opcua_plc"

__all__ = ["KIND", "SCHEMA", "Configuration", "create", "parse", "preload"]


def create(context: Context, config: Configuration) -> OpcuaPlc:
    """Raises: InputError: the configuration speaks of tags or files that are not there."""
    return OpcuaPlc(context, config)
