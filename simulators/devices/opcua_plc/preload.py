"""What every lab's server shares, made once in the process that forks them."""

import contextlib
import dataclasses
from functools import cache
from typing import Any

from asyncua import ua
from asyncua.common.utils import Buffer
from asyncua.ua import ua_binary
from asyncua.ua.uatypes import type_from_list, type_is_list

from simulators.devices.opcua_plc.base_space import base_nodes, subtypes

_SERVICES = [
    "OpenSecureChannel", "CloseSecureChannel", "GetEndpoints", "FindServers", "CreateSession", "ActivateSession",
    "CloseSession", "Read", "Write", "Browse", "Call", "TranslateBrowsePathsToNodeIds", "CreateSubscription",
    "ModifySubscription", "DeleteSubscriptions", "CreateMonitoredItems", "ModifyMonitoredItems",
    "DeleteMonitoredItems", "SetPublishingMode", "SetMonitoringMode", "Publish", "Republish", "HistoryRead",
]  # fmt: skip
_OTHERS = [
    "RequestHeader", "ResponseHeader", "ServiceFault", "DataChangeNotification", "EventNotificationList",
    "DataChangeFilter", "EventFilter", "Range", "EUInformation", "Argument", "ServerStatusDataType",
    "AnonymousIdentityToken", "UserNameIdentityToken", "X509IdentityToken", "Hello", "Acknowledge", "ErrorMessage",
    "SymmetricAlgorithmHeader", "AsymmetricAlgorithmHeader", "SequenceHeader", "StatusChangeNotification",
]  # fmt: skip


# No matrix is ever exchanged here, and the library would fill one in from sizes that a stranger announces.
# Its module says to set this bound at import.
ua_binary.MAX_RESHAPE_ELEMENTS = 16


@cache
def preload() -> None:
    """Build the standard address space and the codecs of the messages. Harmless twice; starts no thread."""
    base_nodes()
    subtypes()
    names = [
        name + part for name in _SERVICES for part in ("Request", "Response", "Parameters", "Result")
    ] + _OTHERS
    for kind in (getattr(ua, name, None) for name in names):
        if isinstance(kind, type):
            ua_binary.create_dataclass_serializer(kind)
            ua_binary._create_dataclass_deserializer(kind)
            _round_trip(kind)
    for variant in ua.VariantType:
        ua_binary.create_uatype_serializer(variant)


def _round_trip(kind: type) -> None:
    """Encode and decode one message: the codecs of what a list holds are made when one is first met."""
    with contextlib.suppress(Exception):  # a few kinds mean nothing when they are empty
        encoded = ua_binary.struct_to_binary(_sample(kind, 4))
        ua_binary.struct_from_binary(kind, Buffer(encoded))


def _sample(kind: type, depth: int) -> Any:
    """An object of `kind` with one element in each of its lists, `depth` levels down."""
    made = kind()
    if depth and dataclasses.is_dataclass(kind):
        for name, hint in ua_binary.get_safe_type_hints(kind, {"ua": ua}).items():
            if type_is_list(hint) and dataclasses.is_dataclass(type_from_list(hint)):
                setattr(made, name, [_sample(type_from_list(hint), depth - 1)])
            elif dataclasses.is_dataclass(hint) and isinstance(hint, type):
                setattr(made, name, _sample(hint, depth - 1))
    return made
