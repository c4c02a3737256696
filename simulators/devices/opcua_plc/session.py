"""A session: who it is, and every service that it may use, checked against its role on each use."""

import dataclasses
import secrets
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from asyncua import ua
from asyncua.common.utils import ServiceError
from asyncua.server.internal_session import InternalSession, SessionState
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.status_codes import StatusCodes

from simulators.devices.opcua_plc.access import Identity
from simulators.devices.opcua_plc.attributes import read, short, write
from simulators.devices.opcua_plc.base_space import MOST_OPERATIONS
from simulators.devices.opcua_plc.names import secret_id, session_id, status
from simulators.devices.opcua_plc.nodes import localized

if TYPE_CHECKING:
    from simulators.devices.opcua_plc.server import HardenedServer

_Bad = StatusCodes
_LONGEST_PATH = 16
_BROWSED_AT_ONCE = 100
_REFERENCES_AT_ONCE = 500
_NOBODY = Identity(name=None, duty="observer")


class HardenedSession(InternalSession):
    """Its authentication token is 32 random bytes, and it ends with the channel that made it."""

    def __init__(self, server: "HardenedServer", name: Any) -> None:
        super().__init__(server, server.aspace, server.subscription_service, str(name), user=_NOBODY)
        self.server = server
        self.address = str(name[0]) if isinstance(name, tuple) else str(name)
        self.external = True
        self.secret = secrets.token_bytes(32)
        self.auth_token = secret_id(self.secret)
        self.session_id = session_id(secrets.randbits(31))
        self.locale = "fr"
        self.identity = _NOBODY
        self._accepted: Identity | None = None
        server.register_external_session(self)

    @property
    def closed(self) -> bool:
        return self.state is SessionState.Closed

    def accept(self, identity: Identity, locales: Iterable[str] | None) -> None:
        """The identity that `activate_session`, which the library calls next, will take on."""
        self._accepted = identity
        chosen = [locale[:2].lower() for locale in locales or () if isinstance(locale, str)]
        self.locale = next((locale for locale in chosen if locale in ("fr", "en")), "fr")

    def activate_session(
        self,
        params: ua.ActivateSessionParameters,  # noqa: ARG002 -- the library's
        peer_certificate: bytes | None,  # noqa: ARG002 -- the library's
    ) -> ua.ActivateSessionResult:
        if self._accepted is None or self.closed:
            raise ServiceError(_Bad.BadUserAccessDenied)
        self.user = self.identity = self._accepted
        self._accepted = None
        self.nonce = secrets.token_bytes(32)
        self.state = SessionState.Activated
        self.touch()
        self._start_timeout_watchdog()
        result = ua.ActivateSessionResult()
        result.ServerNonce = ua.ByteString(self.nonce)
        return result

    def may_audit(self) -> bool:
        return self.server.access.may_audit(self.identity.duty)

    def range_of(self, nodeid: ua.NodeId) -> tuple[float, float]:
        point = self.server.points.by_node.get(nodeid)
        return point.range if point and point.range else (0.0, 0.0)

    # Attributes

    async def read(self, params: ua.ReadParameters) -> list[ua.DataValue]:
        _limit(params.NodesToRead)
        return [self.read_one(wanted) for wanted in params.NodesToRead]

    def read_one(self, wanted: ua.ReadValueId) -> ua.DataValue:
        """An attribute as this session may see it, and in its language."""
        return read(self, wanted)

    async def write(self, params: ua.WriteParameters) -> list[ua.StatusCode]:
        _limit(params.NodesToWrite)
        return [status(write(self, wanted)) for wanted in params.NodesToWrite]

    async def history_read(self, params: ua.HistoryReadParameters) -> list[ua.HistoryReadResult]:
        """A PLC keeps no history (the historian does), and says so only of what the session may read."""
        _limit(params.NodesToRead)
        results = []
        for wanted in params.NodesToRead:
            seen = read(self, ua.ReadValueId(wanted.NodeId, AttributeIds.Value)).StatusCode
            refused = seen is not None and not seen.is_good()
            result = ua.HistoryReadResult()
            result.StatusCode = seen if refused and seen else status(_Bad.BadHistoryOperationUnsupported)
            results.append(result)
        return results

    # View

    async def browse(self, params: ua.BrowseParameters) -> list[ua.BrowseResult]:
        _limit(params.NodesToBrowse, _BROWSED_AT_ONCE)
        results = self._browsed(params.NodesToBrowse)
        if self.locale == "en":
            for result in results:
                result.References = [self._in_english(reference) for reference in result.References]
        return results

    def _browsed(self, wanted: list[ua.BrowseDescription]) -> list[ua.BrowseResult]:
        """Node by node; those that would make the answer too long are refused, to be asked for again."""
        results, found = [], 0
        for description in wanted:
            if found > _REFERENCES_AT_ONCE:
                result = ua.BrowseResult()
                result.StatusCode = status(_Bad.BadNoContinuationPoints)
            else:
                result = self.server.view_service._browse(description)
                found += len(result.References)
            results.append(result)
        return results

    def _in_english(self, reference: ua.ReferenceDescription) -> ua.ReferenceDescription:
        words = self.server.space.words.get(reference.NodeId)
        return dataclasses.replace(reference, DisplayName=localized(words.name, "en")) if words else reference

    async def translate_browsepaths_to_nodeids(
        self, params: list[ua.BrowsePath]
    ) -> list[ua.BrowsePathResult]:
        _limit(params, _BROWSED_AT_ONCE)
        if any(not 0 < len(path.RelativePath.Elements or ()) <= _LONGEST_PATH for path in params):
            raise ServiceError(_Bad.BadBrowseNameInvalid)
        return await super().translate_browsepaths_to_nodeids(params)

    # Methods

    async def call(self, params: list[ua.CallMethodRequest]) -> list[ua.CallMethodResult]:
        _limit(params)
        results = []
        for request in params:
            result = ua.CallMethodResult()
            result.StatusCode = status(self._call(request))
            results.append(result)
        return results

    def _call(self, request: ua.CallMethodRequest) -> int:
        method = self.server.methods.get(request.MethodId)
        arguments = [argument.Value for argument in request.InputArguments or ()]
        if method is None or request.ObjectId != method.owner:
            return _Bad.BadMethodInvalid
        if not self.server.access.may_call(method.name, self.identity.duty):
            code = _Bad.BadUserAccessDenied
        elif len(arguments) < len(method.inputs):
            code = _Bad.BadArgumentsMissing
        elif len(arguments) > len(method.inputs):
            code = _Bad.BadTooManyArguments
        elif tuple(argument.VariantType for argument in request.InputArguments or ()) != method.inputs:
            code = _Bad.BadInvalidArgument
        else:
            code = method.run(*arguments)
        self.server.audit.record(
            "call", code, self.address, self.identity.name,
            node=request.MethodId.to_string(), arguments=[short(argument) for argument in arguments],
        )  # fmt: skip
        return code

    # Subscriptions: a session only ever touches its own

    async def create_subscription(
        self,
        params: ua.CreateSubscriptionParameters,
        callback: Callable[..., Any],
        request_callback: Callable[..., Any] | None = None,
    ) -> ua.CreateSubscriptionResult:
        limits, service = self.server.configuration.sessions, self.server.subscriptions
        full = len(service.subscriptions) >= limits.subscriptions
        if full or len(service.of(self)) >= limits.subscriptions_per_session:
            raise ServiceError(_Bad.BadTooManySubscriptions)
        return await service.create_for(self, params, callback, request_callback)

    async def create_monitored_items(
        self, params: ua.CreateMonitoredItemsParameters
    ) -> list[ua.MonitoredItemCreateResult]:
        _limit(params.ItemsToCreate)
        subscription = self.server.subscriptions.owned(self, params.SubscriptionId)
        most = self.server.configuration.sessions.monitored_items
        if subscription.items.count + len(params.ItemsToCreate) > most:
            raise ServiceError(_Bad.BadTooManyMonitoredItems)
        return await subscription.items.create_monitored_items(params)

    async def modify_monitored_items(
        self, params: ua.ModifyMonitoredItemsParameters
    ) -> list[ua.MonitoredItemModifyResult]:
        return self.server.subscriptions.owned(self, params.SubscriptionId).items.modify_monitored_items(
            params
        )

    async def delete_monitored_items(self, params: ua.DeleteMonitoredItemsParameters) -> list[ua.StatusCode]:
        items = self.server.subscriptions.owned(self, params.SubscriptionId).items
        return items.delete_monitored_items(params.MonitoredItemIds)

    async def set_monitoring_mode(self, params: ua.SetMonitoringModeParameters) -> list[ua.StatusCode]:
        items = self.server.subscriptions.owned(self, params.SubscriptionId).items
        return await items.set_monitoring_mode(params.MonitoringMode, params.MonitoredItemIds)

    async def set_publishing_mode(self, params: ua.SetPublishingModeParameters) -> list[ua.StatusCode]:
        results = []
        for number in params.SubscriptionIds:
            try:
                await self.server.subscriptions.owned(self, number).set_publishing_mode(
                    params.PublishingEnabled
                )
                results.append(ua.StatusCode())
            except ServiceError as error:
                results.append(status(error.code))
        return results

    def modify_subscription(self, params: ua.ModifySubscriptionParameters) -> ua.ModifySubscriptionResult:
        self.server.subscriptions.owned(self, params.SubscriptionId)
        return super().modify_subscription(params)

    async def delete_subscriptions(self, ids: list[int]) -> list[ua.StatusCode]:
        service = self.server.subscriptions
        mine = {subscription.data.SubscriptionId for subscription in service.of(self)}
        own = [number for number in dict.fromkeys(ids) if number in mine]
        done = dict(zip(own, await service.delete_subscriptions(own), strict=True))
        return [done.get(number, status(_Bad.BadSubscriptionIdInvalid)) for number in ids]

    def publish(
        self, acks: Iterable[ua.SubscriptionAcknowledgement] | None = None
    ) -> tuple[int, list[ua.StatusCode]]:
        own = {
            subscription.data.SubscriptionId: subscription
            for subscription in self.server.subscriptions.of(self)
        }
        if not own:
            raise ServiceError(_Bad.BadNoSubscription)
        results = []
        for ack in acks or ():
            held = own.get(ack.SubscriptionId)
            if held is not None:
                held.publish([ack.SequenceNumber])
            results.append(ua.StatusCode() if held else status(_Bad.BadSubscriptionIdInvalid))
        return len(own), results

    def republish(self, params: ua.RepublishParameters) -> ua.NotificationMessage:
        message = self.server.subscriptions.owned(self, params.SubscriptionId).republish(
            params.RetransmitSequenceNumber
        )
        if not message.NotificationData:
            raise ServiceError(_Bad.BadMessageNotAvailable)
        return message


def _limit(operations: list[Any] | None, most: int = MOST_OPERATIONS) -> None:
    """Raises: ServiceError: nothing to do, or too much at once."""
    if not operations:
        raise ServiceError(_Bad.BadNothingToDo)
    if len(operations) > most:
        raise ServiceError(_Bad.BadTooManyOperations)
