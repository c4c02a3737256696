"""The standard nodes (namespace 0), built once a process family and read by every server of it.

A server sees them through an `Overlay`: what it changes while it is being set up is its own copy, what it only
reads afterwards stays shared, so that a forked lab pays for its own tags alone.
"""

from collections.abc import Iterator, Mapping, MutableMapping
from functools import cache

from asyncua import ua
from asyncua.server.address_space import AddressSpace, AttributeValue, NodeData, NodeManagementService
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.object_ids import ObjectIds

from simulators.devices.opcua_plc.base_file import BaseFile, given
from simulators.devices.opcua_plc.names import standard

# Most operations of one request: what bounds the time that one message can hold the process.
MOST_OPERATIONS = 500
_LIMITS = [
    "MaxNodesPerRead", "MaxNodesPerWrite", "MaxNodesPerMethodCall", "MaxNodesPerBrowse",
    "MaxNodesPerRegisterNodes", "MaxNodesPerTranslateBrowsePathsToNodeIds", "MaxMonitoredItemsPerCall",
    "MaxNodesPerHistoryReadData", "MaxNodesPerHistoryReadEvents",
]  # fmt: skip
_SUBTYPE = standard(ObjectIds.HasSubtype)


@cache
def base_nodes() -> Mapping[ua.NodeId, NodeData]:
    """The standard address space; about a second and 40 MiB the first time, where no file has it. Read only."""
    kept = given()
    if kept is not None:
        return kept
    # Here, for its code weighs 11 MiB.
    from asyncua.server.standard_address_space import standard_address_space

    space = AddressSpace()
    standard_address_space.fill_address_space(NodeManagementService(space))  # type: ignore[no-untyped-call]
    _mend(space)
    return space._nodes


@cache
def subtypes() -> dict[ua.NodeId, frozenset[ua.NodeId]]:
    """Reference type → all its subtypes, so that browsing does not walk the types for every reference."""
    nodes = base_nodes()
    if isinstance(nodes, BaseFile):
        return nodes.subtypes
    return {nodeid: frozenset(_below(nodes, nodeid)) for nodeid, node in nodes.items() if _is_reference(node)}


def copy_of(node: NodeData) -> NodeData:
    """A node whose attributes and references may be changed."""
    mine = NodeData(node.nodeid)
    mine.references = list(node.references)
    mine.attributes = {name: _held(held.value) for name, held in node.attributes.items()}
    return mine


class Overlay(MutableMapping[ua.NodeId, NodeData]):
    """The base nodes with a server's own in front of them."""

    __slots__ = ("base", "own")

    def __init__(self, base: Mapping[ua.NodeId, NodeData]) -> None:
        self.base = base
        self.own: dict[ua.NodeId, NodeData] = {}

    def mine(self, nodeid: ua.NodeId) -> NodeData:
        """The node, copied first if it is still the shared one. Raises: KeyError."""
        node = self.own.get(nodeid)
        if node is None:
            node = self.own[nodeid] = copy_of(self.base[nodeid])
        return node

    def __getitem__(self, nodeid: ua.NodeId) -> NodeData:
        node = self.own.get(nodeid)
        return self.base[nodeid] if node is None else node

    def __setitem__(self, nodeid: ua.NodeId, node: NodeData) -> None:
        self.own[nodeid] = node

    def __delitem__(self, nodeid: ua.NodeId) -> None:
        del self.own[nodeid]

    def __contains__(self, nodeid: object) -> bool:
        return nodeid in self.own or nodeid in self.base

    def __iter__(self) -> Iterator[ua.NodeId]:
        yield from self.own
        yield from (nodeid for nodeid in self.base if nodeid not in self.own)

    def __len__(self) -> int:
        return len(self.own) + sum(nodeid not in self.own for nodeid in self.base)


def _mend(space: AddressSpace) -> None:
    """What the generated nodes lack: the roots of two type trees, and our limits."""
    for child, parent in (("BaseObjectType", "ObjectTypesFolder"), ("BaseDataType", "DataTypesFolder")):
        reference = ua.AddReferencesItem()
        reference.SourceNodeId = standard(getattr(ObjectIds, child))
        reference.ReferenceTypeId = standard(ObjectIds.Organizes)
        reference.IsForward = False
        reference.TargetNodeId = standard(getattr(ObjectIds, parent))
        reference.TargetNodeClass = ua.NodeClass.Object
        NodeManagementService(space).add_references([reference])
    for limit in _LIMITS:
        name = f"Server_ServerCapabilities_OperationLimits_{limit}"
        value = ua.DataValue(ua.Variant(MOST_OPERATIONS, ua.VariantType.UInt32))
        space[standard(getattr(ObjectIds, name))].attributes[AttributeIds.Value] = AttributeValue(value)


def _held(value: ua.DataValue | None) -> AttributeValue:
    return AttributeValue(value or ua.DataValue())


def _is_reference(node: NodeData) -> bool:
    held = node.attributes[AttributeIds.NodeClass].value
    return held is not None and held.Value is not None and held.Value.Value == ua.NodeClass.ReferenceType


def _below(nodes: Mapping[ua.NodeId, NodeData], nodeid: ua.NodeId) -> Iterator[ua.NodeId]:
    for reference in nodes[nodeid].references:
        if reference.IsForward and reference.ReferenceTypeId == _SUBTYPE:
            yield reference.NodeId
            yield from _below(nodes, reference.NodeId)
