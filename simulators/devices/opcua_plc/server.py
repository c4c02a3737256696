"""The library's server with every door of its own closed (see the package's tests for the list)."""

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from asyncua import ua
from asyncua.common.utils import ServiceError
from asyncua.server.address_space import ViewService
from asyncua.server.internal_server import InternalServer
from asyncua.server.internal_session import SessionState
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.object_ids import ObjectIds
from asyncua.ua.status_codes import StatusCodes
from cryptography.hazmat.primitives.serialization import Encoding

from simulators.contracts import Context
from simulators.devices.opcua_plc.access import Access, Identity
from simulators.devices.opcua_plc.audit import AuditTrail
from simulators.devices.opcua_plc.base_space import subtypes
from simulators.devices.opcua_plc.certificates import OwnCertificate
from simulators.devices.opcua_plc.config import Configuration
from simulators.devices.opcua_plc.controller import Method, application_uri, build_controller
from simulators.devices.opcua_plc.identities import Gate
from simulators.devices.opcua_plc.names import date, standard
from simulators.devices.opcua_plc.nodes import Space
from simulators.devices.opcua_plc.points import Points, build_points
from simulators.devices.opcua_plc.policies import endpoints, offers
from simulators.devices.opcua_plc.processor import HardenedProcessor
from simulators.devices.opcua_plc.session import HardenedSession
from simulators.devices.opcua_plc.subscriptions import SampledSubscriptions
from simulators.devices.opcua_plc.trust import TrustStore

_Ids = ObjectIds
_Bad = StatusCodes
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|\[[0-9A-Fa-f:.]{2,45}\]")
_ACTIVATION_S = 15.0


@dataclass
class Counters:
    """For the device's health and the instructor's page."""

    accepted: int = 0
    refused: int = 0


class FastView(ViewService):
    """Browsing with the subtypes of reference types known, and no path followed twice."""

    def _suitable_reftype(self, ref1: ua.NodeId, ref2: ua.NodeId, subtypes_too: bool) -> bool:
        if ref1.Identifier == 0 and ref1.NamespaceIndex == 0:
            return True
        return ref1 == ref2 or (subtypes_too and ref2 in subtypes().get(ref1, ()))

    def _find_elements_in_node(self, el: ua.RelativePathElement, nodeid: ua.NodeId) -> list[ua.NodeId]:
        return list(dict.fromkeys(super()._find_elements_in_node(el, nodeid)))


class HardenedServer(InternalServer):
    """Address space, sessions and rights of one PLC. Its weaknesses are those that its configuration chooses."""

    def __init__(
        self, context: Context, configuration: Configuration, access: Access, gate: Gate,
        trust: TrustStore, own: OwnCertificate | None,
    ) -> None:  # fmt: skip
        super().__init__()
        assert context.plc is not None
        self.configuration, self.access, self.gate, self.trust = configuration, access, gate, trust
        self.counters = Counters()
        self.offered = offers(configuration.policies, own)
        self.certificate, self.private_key = (own.certificate, own.key) if own else (None, None)
        self._url = f"opc.tcp://{context.spec.address}:{context.spec.port}"
        self._channel_id_counter = secrets.randbits(30)
        clock = context.clock
        self._unix_s: Callable[[], float] = lambda: clock.unix_s(clock.now_s())
        self._build(context)
        self._limit()
        self.audit = AuditTrail(
            configuration.audit, context.folder, context.log, self._unix_s, self.subscriptions.offer
        )
        certificate = own.certificate.public_bytes(Encoding.DER) if own else b""
        self.endpoints = endpoints(self.offered, configuration, self._description(context), certificate)

    def _build(self, context: Context) -> None:
        assert context.plc is not None
        self.space = Space()
        self.aspace._nodes = self.space.nodes  # type: ignore[assignment]
        tags = context.line.tags_of(context.spec.id)
        masks = {tag.id: self.access.mask(tag.id) for tag in tags}
        made = build_points(self.space, context.line, tags, context.plc.image, masks)
        self.points = Points(made, context.plc.image, context.clock.unix_s)
        self.methods: dict[ua.NodeId, Method] = build_controller(self.space, context, context.plc)
        self.view_service = FastView(self.aspace)
        self.subscriptions = SampledSubscriptions(self.aspace, iserver=self)
        self.subscription_service = self.subscriptions
        self._standard_nodes(context)

    def _standard_nodes(self, context: Context) -> None:
        uri = application_uri(context)
        namespaces = ["http://opcfoundation.org/UA/", uri, f"urn:usine-ecole:{context.line.id}:tags"]
        self.space.set(_Ids.Server_NamespaceArray, namespaces, ua.VariantType.String)
        self.space.set(_Ids.Server_ServerArray, [uri], ua.VariantType.String)
        self.space.set(_Ids.Server_ServiceLevel, 255, ua.VariantType.Byte)
        self.space.set(_Ids.Server_Auditing, self.configuration.audit, ua.VariantType.Boolean)
        events = self.space.nodes.mine(standard(_Ids.Server)).attributes[AttributeIds.EventNotifier]
        events.value = ua.DataValue(ua.Variant(1, ua.VariantType.Byte))
        status = ua.ServerStatusDataType()
        status.State = ua.ServerState.Running
        status.StartTime = date(self._unix_s())
        status.BuildInfo = ua.BuildInfo(uri, "Usine-École", context.spec.id, "1.0", "1", status.StartTime)

        def now() -> ua.DataValue:
            status.CurrentTime = date(self._unix_s())
            return ua.DataValue(
                ua.Variant(status, ua.VariantType.ExtensionObject), SourceTimestamp=status.CurrentTime
            )

        def clock() -> ua.DataValue:
            return ua.DataValue(ua.Variant(date(self._unix_s()), ua.VariantType.DateTime))

        self.space.answer(_Ids.Server_ServerStatus, now)
        self.space.answer(_Ids.Server_ServerStatus_CurrentTime, clock)
        self.space.set(_Ids.Server_ServerStatus_StartTime, status.StartTime, ua.VariantType.DateTime)
        self.space.set(_Ids.Server_ServerStatus_State, ua.ServerState.Running, ua.VariantType.Int32)

    def _limit(self) -> None:
        limits = self.configuration.sessions
        self.allow_remote_admin = False
        self.max_session_timeout_ms = limits.timeout_s * 1000
        self.min_session_timeout_ms = min(self.min_session_timeout_ms, self.max_session_timeout_ms)
        self.max_subscriptions = limits.subscriptions
        self.max_lifetime_count, self.max_keep_alive_count = 3_000, 1_000
        self.max_pending_activation_seconds = _ACTIVATION_S

    def _description(self, context: Context) -> ua.ApplicationDescription:
        described = ua.ApplicationDescription()
        described.ApplicationUri = application_uri(context)
        described.ProductUri = "urn:usine-ecole:opcua_plc"
        described.ApplicationName = ua.LocalizedText(str(context.spec.name.fr), "fr")
        described.ApplicationType = ua.ApplicationType.Server
        return described

    # Connections, sessions and users: how many

    def admits_connection(self, address: str, others: list[str]) -> bool:
        """Whether one more connection may be held beside those of the addresses `others`."""
        limits = self.configuration.sessions
        admitted = len(others) < limits.connections and others.count(address) < limits.connections_per_address
        self.counters.refused += not admitted
        return admitted

    def check_session_room(self) -> None:
        """Raises: ServiceError: as many sessions as the configuration allows."""
        if len(self._external_sessions) >= self.configuration.sessions.total:
            raise ServiceError(_Bad.BadTooManySessions)

    def check_user_room(self, identity: Identity, session: HardenedSession) -> None:
        """Raises: ServiceError: the user has as many sessions as the configuration allows."""
        others = sum(
            other is not session
            and isinstance(other, HardenedSession)
            and other.state is SessionState.Activated
            and other.identity.name == identity.name
            for other in self._external_sessions.values()
        )
        if others >= self.configuration.sessions.per_user:
            raise ServiceError(_Bad.BadTooManySessions)

    def create_session(self, name: Any, *_user: Any, **_options: Any) -> HardenedSession:
        return HardenedSession(self, name)

    # What happened

    def opened(self, processor: HardenedProcessor) -> None:
        policy = processor.channel.security_policy
        self.audit.record(
            "open_channel",
            0,
            processor.address,
            None,
            policy=policy.URI.rpartition("#")[2],
            mode=policy.Mode.name,
        )

    def recorded(self, processor: HardenedProcessor, event: str, status: int, **fields: Any) -> None:
        self.counters.accepted += event == "activate_session"
        user = processor.session.identity.name if processor.session else None
        self.audit.record(event, status, processor.address, user, **fields)

    def refused(
        self, processor: HardenedProcessor, event: str, status: int, user: str | None = None, **fields: Any
    ) -> None:
        self.counters.refused += 1
        self.audit.record(event, status, processor.address, user, **fields)

    # Discovery

    async def get_endpoints(
        self,
        params: ua.GetEndpointsParameters | None = None,
        sockname: tuple[str, int] | None = None,  # noqa: ARG002 -- the library's
    ) -> list[ua.EndpointDescription]:
        url = self._echoed(params.EndpointUrl if params else None)
        found = []
        for endpoint in self.endpoints:
            described = self._server_at(endpoint.Server, url)
            found.append(
                ua.EndpointDescription(
                    url, described, endpoint.ServerCertificate, endpoint.SecurityMode, endpoint.SecurityPolicyUri,
                    endpoint.UserIdentityTokens, endpoint.TransportProfileUri, endpoint.SecurityLevel,
                )
            )  # fmt: skip
        return found

    def find_servers(
        self,
        params: ua.FindServersParameters,
        sockname: tuple[str, int] | None = None,  # noqa: ARG002 -- the library's
    ) -> list[ua.ApplicationDescription]:
        described = self.endpoints[0].Server
        if params.ServerUris and described.ApplicationUri not in params.ServerUris:
            return []
        return [self._server_at(described, self._echoed(params.EndpointUrl))]

    def _echoed(self, asked: str | None) -> str:
        """The URL by which the client came, so that one behind a port forward can come again; ours if it is odd."""
        try:
            parts = urlsplit(asked or "")
            host, port = parts.netloc.rpartition(":")[0] or parts.netloc, parts.port or 4840
        except ValueError:
            return self._url
        if parts.scheme != "opc.tcp" or not _HOST.fullmatch(host):
            return self._url
        return f"opc.tcp://{host}:{port}"

    @staticmethod
    def _server_at(described: ua.ApplicationDescription, url: str) -> ua.ApplicationDescription:
        return ua.ApplicationDescription(
            described.ApplicationUri, described.ProductUri, described.ApplicationName, described.ApplicationType,
            described.GatewayServerUri, described.DiscoveryProfileUri, [url],
        )  # fmt: skip

    # End

    async def close(self) -> None:
        """Close every session; harmless twice."""
        for session in list(self._external_sessions.values()):
            await session.close_session(True)
        self.method_service.stop()
        self.audit.close()
