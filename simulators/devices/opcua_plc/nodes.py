"""Nodes made directly: an order of magnitude cheaper than the library's AddNodes service, and shared where equal."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from asyncua import ua
from asyncua.server.address_space import AttributeValue, NodeData
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.object_ids import ObjectIds

from simulators.devices.opcua_plc.base_space import Overlay, base_nodes
from simulators.devices.opcua_plc.names import NAMESPACE, below, standard
from simulators.text import Text

_Ids = ObjectIds
_At = AttributeIds


@dataclass(frozen=True, slots=True)
class Words:
    """What people read of a node, by the locale of their session."""

    name: Text
    description: Text


class Space:
    """A server's nodes: the standard ones, its own, and the words of its own in both languages."""

    def __init__(self) -> None:
        self.nodes = Overlay(base_nodes())
        self.words: dict[ua.NodeId, Words] = {}

    def folder(self, nodeid: ua.NodeId, parent: ua.NodeId, browse: str, words: Words) -> None:
        node = self._node(nodeid, ua.NodeClass.Object, browse, words)
        node.attributes[_At.EventNotifier] = _NO_EVENTS
        self._join(node, parent, _Ids.Organizes, browse, words, _Ids.FolderType)

    def object(self, nodeid: ua.NodeId, parent: ua.NodeId, browse: str, words: Words) -> None:
        node = self._node(nodeid, ua.NodeClass.Object, browse, words)
        node.attributes[_At.EventNotifier] = _NO_EVENTS
        self._join(node, parent, _Ids.HasComponent, browse, words, _Ids.BaseObjectType)

    def variable(
        self,
        nodeid: ua.NodeId,
        parent: ua.NodeId,
        browse: str,
        words: Words,
        value: ua.Variant,
        datatype: int,
        access: int = 1,
        reference: int = _Ids.HasComponent,
        definition: int = _Ids.BaseDataVariableType,
    ) -> AttributeValue:
        """A variable, whose value's holder is returned. `access` is a mask: 1 read, 2 write."""
        node = self._node(nodeid, ua.NodeClass.Variable, browse, words)
        held = AttributeValue(ua.DataValue(value))
        node.attributes.update(
            {
                _At.Value: held,
                _At.DataType: _datatype(datatype),
                _At.ValueRank: _ARRAY if value.is_array else _SCALAR,
                _At.AccessLevel: _ACCESS[access],
                _At.UserAccessLevel: _ACCESS[access],
                _At.MinimumSamplingInterval: _SAMPLING,
                _At.Historizing: _FALSE,
            }
        )
        self._join(node, parent, reference, browse, words, definition)
        return held

    def property(
        self, parent: ua.NodeId, browse: str, value: ua.Variant, datatype: int, ns0: bool = True
    ) -> AttributeValue:
        """A property, named in namespace 0 when the standard defines it."""
        nodeid = below(parent, browse)
        words = Words(Text(fr=browse, en=browse), Text(fr="", en=""))
        held = self.variable(
            nodeid, parent, browse, words, value, datatype,
            reference=_Ids.HasProperty, definition=_Ids.PropertyType,
        )  # fmt: skip
        if ns0:
            self._rename(nodeid, parent, ua.QualifiedName(browse, 0))
        return held

    def method(
        self, nodeid: ua.NodeId, parent: ua.NodeId, browse: str, words: Words, inputs: list[ua.Argument]
    ) -> None:
        node = self._node(nodeid, ua.NodeClass.Method, browse, words)
        node.attributes[_At.Executable] = _TRUE
        node.attributes[_At.UserExecutable] = _TRUE
        self._join(node, parent, _Ids.HasComponent, browse, words, None)
        if inputs:
            arguments = ua.Variant(inputs, ua.VariantType.ExtensionObject)
            self.property(nodeid, "InputArguments", arguments, _Ids.Argument)

    def set(self, object_id: int, value: Any, kind: ua.VariantType) -> None:
        """Give a standard variable this server's value."""
        node = self.nodes.mine(standard(object_id))
        node.attributes[_At.Value] = AttributeValue(ua.DataValue(ua.Variant(value, kind)))

    def answer(self, object_id: int, callback: Callable[[], ua.DataValue]) -> None:
        """Have a standard variable computed when it is read."""
        held = self.nodes.mine(standard(object_id)).attributes[_At.Value]
        held.value_callback = lambda _nodeid, _attribute: callback()

    def _node(self, nodeid: ua.NodeId, kind: ua.NodeClass, browse: str, words: Words) -> NodeData:
        node = NodeData(nodeid)
        node.attributes = {
            _At.NodeId: _attribute(nodeid, ua.VariantType.NodeId),
            _At.NodeClass: _CLASSES[kind],
            _At.BrowseName: _attribute(ua.QualifiedName(browse, NAMESPACE), ua.VariantType.QualifiedName),
            _At.DisplayName: _attribute(french(words.name), ua.VariantType.LocalizedText),
            _At.Description: _attribute(french(words.description), ua.VariantType.LocalizedText),
            _At.WriteMask: _NO_MASK,
            _At.UserWriteMask: _NO_MASK,
        }
        self.nodes[nodeid] = node
        if words.name.fr != words.name.en or words.description.fr != words.description.en:
            self.words[nodeid] = words
        return node

    def _join(
        self,
        node: NodeData,
        parent: ua.NodeId,
        reference: int,
        browse: str,
        words: Words,
        definition: int | None,
    ) -> None:
        above = self.nodes.mine(parent)
        kind = node.attributes[_At.NodeClass].value.Value.Value  # type: ignore[union-attr]
        typed = _ID(definition) if definition is not None else _ID(0)
        name = ua.QualifiedName(browse, NAMESPACE)
        above.references.append(
            ua.ReferenceDescription(_ID(reference), True, node.nodeid, name, french(words.name), kind, typed)
        )
        node.references.append(_inverse(above, reference))
        if definition is not None:
            node.references.append(_type_reference(definition))

    def _rename(self, nodeid: ua.NodeId, parent: ua.NodeId, name: ua.QualifiedName) -> None:
        self.nodes[nodeid].attributes[_At.BrowseName] = _attribute(name, ua.VariantType.QualifiedName)
        self.nodes[parent].references[-1].BrowseName = name


def french(text: Text) -> ua.LocalizedText:
    return ua.LocalizedText(text.fr, "fr")


def localized(text: Text, locale: str) -> ua.LocalizedText:
    """`text` in `locale` (`fr` or `en`)."""
    return ua.LocalizedText(text.in_language(locale), locale)


def _attribute(value: Any, kind: ua.VariantType) -> AttributeValue:
    return AttributeValue(ua.DataValue(ua.Variant(value, kind)))


@cache
def _ID(identifier: int) -> ua.NodeId:  # noqa: N802 -- reads as the constant that it stands for
    return standard(identifier)


@cache
def _datatype(identifier: int) -> AttributeValue:
    return _attribute(_ID(identifier), ua.VariantType.NodeId)


def _inverse(above: NodeData, reference: int) -> ua.ReferenceDescription:
    held = {name: above.attributes[name].value for name in (_At.BrowseName, _At.DisplayName, _At.NodeClass)}
    browse, display, kind = (value.Value.Value for value in held.values())  # type: ignore[union-attr]
    typed = next(
        (r.NodeId for r in above.references if r.ReferenceTypeId == _ID(_Ids.HasTypeDefinition)), _ID(0)
    )
    return ua.ReferenceDescription(_ID(reference), False, above.nodeid, browse, display, kind, typed)


@cache
def _type_reference(definition: int) -> ua.ReferenceDescription:
    held = base_nodes()[_ID(definition)].attributes
    browse, kind = (held[name].value.Value.Value for name in (_At.BrowseName, _At.NodeClass))  # type: ignore[union-attr]
    display = ua.LocalizedText(browse.Name)
    return ua.ReferenceDescription(
        _ID(_Ids.HasTypeDefinition), True, _ID(definition), browse, display, kind, _ID(0)
    )


# Attributes that never change are the same object in every node of every server.
_ACCESS = {mask: _attribute(mask, ua.VariantType.Byte) for mask in range(4)}
_CLASSES = {kind: _attribute(kind, ua.VariantType.Int32) for kind in ua.NodeClass}
_NO_EVENTS = _attribute(0, ua.VariantType.Byte)
_NO_MASK = _attribute(0, ua.VariantType.UInt32)
_SCALAR = _attribute(-1, ua.VariantType.Int32)
_ARRAY = _attribute(1, ua.VariantType.Int32)
_SAMPLING = _attribute(0.0, ua.VariantType.Double)
_FALSE = _attribute(False, ua.VariantType.Boolean)
_TRUE = _attribute(True, ua.VariantType.Boolean)
