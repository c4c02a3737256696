"""Subscriptions that sample at their publishing interval: a value that changes ten times a second costs one
notification a second to a client that asked for one.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from asyncua import ua
from asyncua.common.event_objects import AuditEvent
from asyncua.common.utils import ServiceError
from asyncua.server.address_space import AddressSpace
from asyncua.server.internal_subscription import InternalSubscription
from asyncua.server.monitored_item_service import (
    MonitoredItemData,
    MonitoredItemService,
    WhereClauseEvaluator,
)
from asyncua.server.subscription_service import SubscriptionService
from asyncua.ua.object_ids import ObjectIds
from asyncua.ua.status_codes import StatusCodes
from asyncua.ua.uaprotocol_auto import DataChangeFilter, EventFilter

from simulators.devices.opcua_plc.names import standard, status

if TYPE_CHECKING:
    from simulators.devices.opcua_plc.session import HardenedSession

_Bad = StatusCodes
_FASTEST_MS, _SLOWEST_MS = 50.0, 3_600_000.0
_LONGEST_QUEUE = 20
_UNACKNOWLEDGED = 10
_SERVER = standard(ObjectIds.Server)


class SampledItem(MonitoredItemData):
    """What is watched, and the value that its client was last told."""

    seen: ua.DataValue | None = None


class SampledItems(MonitoredItemService):
    """The monitored items of one subscription, read as the session that owns it."""

    isub: "SampledSubscription"

    def __init__(self, subscription: "SampledSubscription", space: AddressSpace) -> None:
        super().__init__(subscription, space)
        self._items: dict[int, SampledItem] = {}

    @property
    def count(self) -> int:
        return len(self._monitored_items)

    def sample(self) -> None:
        """Queue what changed since the client was last told."""
        for number, item in self._items.items():
            if item.mode == ua.MonitoringMode.Disabled:
                item.seen = None
                continue
            assert item.read_value_id is not None
            value = self.isub.session.read_one(item.read_value_id)
            before = item.seen
            if value is before:
                continue
            if before is None or self._differs(item, before, value):
                item.seen = value
                if item.mode == ua.MonitoringMode.Reporting:
                    notice = ua.MonitoredItemNotification(ua.UInt32(item.client_handle or 0), value)
                    keep(self.isub._triggered_datachanges, number, notice, item.queue_size)

    def offer(self, event: Callable[[], AuditEvent]) -> None:
        """Queue an event for the items that watch the server's events and whose filter lets it through."""
        for number in self._monitored_events.get(_SERVER, ()):
            item = self._monitored_items[number]
            if item.mode != ua.MonitoringMode.Reporting or not self.isub.session.may_audit():
                continue
            fields = _selected(item, event())
            if fields is not None:
                row = ua.EventFieldList(ua.UInt32(item.client_handle or 0), fields)
                keep(self.isub._triggered_events, number, row, item.queue_size)

    async def _create_data_change_monitored_item(
        self, params: ua.MonitoredItemCreateRequest
    ) -> ua.MonitoredItemCreateResult:
        data_filter = params.RequestedParameters.Filter
        result, made = self._make_monitored_item_common(params)
        if data_filter is not None and not isinstance(data_filter, (DataChangeFilter, ua.ExtensionObject)):
            result.StatusCode = status(_Bad.BadMonitoredItemFilterUnsupported)
            return result
        item = SampledItem()
        item.__dict__.update(made.__dict__)
        item.filter = data_filter if isinstance(data_filter, DataChangeFilter) else None
        first = self.isub.session.read_one(params.ItemToMonitor)
        if first.StatusCode is not None and first.StatusCode.value in _REFUSALS:
            result.StatusCode = first.StatusCode
            return result
        self._commit_monitored_item(result, item)
        self._items[result.MonitoredItemId] = item
        return result

    def _create_events_monitored_item(
        self, params: ua.MonitoredItemCreateRequest
    ) -> ua.MonitoredItemCreateResult:
        refusal = 0
        if params.ItemToMonitor.NodeId == _SERVER and not self.isub.session.may_audit():
            refusal = _Bad.BadUserAccessDenied
        elif not isinstance(params.RequestedParameters.Filter, EventFilter):
            refusal = _Bad.BadEventFilterInvalid
        if refusal:
            result = ua.MonitoredItemCreateResult()
            result.StatusCode = status(refusal)
            return result
        return super()._create_events_monitored_item(params)

    def _modify_monitored_item(self, params: ua.MonitoredItemModifyRequest) -> ua.MonitoredItemModifyResult:
        result = ua.MonitoredItemModifyResult()
        item = self._monitored_items.get(params.MonitoredItemId)
        if item is None:
            result.StatusCode = status(_Bad.BadMonitoredItemIdInvalid)
            return result
        wanted = params.RequestedParameters
        if isinstance(wanted.Filter, DataChangeFilter) and isinstance(item, SampledItem):
            item.filter = wanted.Filter
        if isinstance(wanted.Filter, EventFilter) and not isinstance(item, SampledItem):
            item.filter = wanted.Filter
            item.where_clause_evaluator = WhereClauseEvaluator(
                self.logger, self.aspace, wanted.Filter.WhereClause
            )
        item.client_handle = wanted.ClientHandle
        item.queue_size = self._revise_queue_size(wanted.QueueSize)
        result.RevisedSamplingInterval = self.isub.data.RevisedPublishingInterval
        result.RevisedQueueSize = ua.UInt32(item.queue_size)
        return result

    def _delete_monitored_items(self, mid: int) -> ua.StatusCode:
        self._items.pop(mid, None)
        return super()._delete_monitored_items(mid)

    def _differs(self, item: SampledItem, before: ua.DataValue, value: ua.DataValue) -> bool:
        """Whether the change passes the item's filter: its trigger, then its deadband."""
        trigger = item.filter.Trigger if item.filter else ua.DataChangeTrigger.StatusValue
        if before.StatusCode != value.StatusCode:
            return True
        if trigger == ua.DataChangeTrigger.Status:
            return False
        if before.Value != value.Value:
            return not item.filter or self._beyond_deadband(item, before, value)
        dated = trigger == ua.DataChangeTrigger.StatusValueTimestamp
        return dated and before.SourceTimestamp != value.SourceTimestamp

    def _beyond_deadband(self, item: SampledItem, before: ua.DataValue, value: ua.DataValue) -> bool:
        kind, deadband = item.filter.DeadbandType, item.filter.DeadbandValue
        if kind == ua.DeadbandType.None_ or before.Value is None or value.Value is None:
            return True
        old, new = before.Value.Value, value.Value.Value
        if not isinstance(old, (int, float)) or not isinstance(new, (int, float)):
            return True
        if kind == ua.DeadbandType.Percent and item.read_value_id is not None:
            low, high = self.isub.session.range_of(item.read_value_id.NodeId)
            deadband = deadband / 100 * (high - low)
        return bool(abs(new - old) > deadband)


_REFUSALS = {
    _Bad.BadNodeIdUnknown, _Bad.BadAttributeIdInvalid, _Bad.BadUserAccessDenied, _Bad.BadNotReadable,
}  # fmt: skip


class SampledSubscription(InternalSubscription):
    """A subscription and the session that owns it."""

    def __init__(
        self, result: ua.CreateSubscriptionResult, space: AddressSpace, session: "HardenedSession",
        callback: Callable[..., Any], more: dict[str, Any],
    ) -> None:  # fmt: skip
        super().__init__(result, space, callback, session.session_id, **more)
        self.session = session
        self.monitored_item_srv = self.items = SampledItems(self, space)

    async def publish_results(self, requestdata: Any = None) -> bool:
        self.items.sample()
        return await super().publish_results(requestdata)


class SampledSubscriptions(SubscriptionService):
    """All subscriptions of a server."""

    subscriptions: dict[int, SampledSubscription]  # type: ignore[assignment]

    async def create_for(
        self, session: "HardenedSession", params: ua.CreateSubscriptionParameters,
        callback: Callable[..., Any], request_callback: Callable[..., Any] | None,
    ) -> ua.CreateSubscriptionResult:  # fmt: skip
        """A subscription owned by `session`, its parameters brought within the server's limits."""
        result = ua.CreateSubscriptionResult()
        wanted = params.RequestedPublishingInterval
        # Written so that a NaN becomes the fastest.
        result.RevisedPublishingInterval = min(wanted, _SLOWEST_MS) if wanted > _FASTEST_MS else _FASTEST_MS
        result.RevisedLifetimeCount = ua.UInt32(
            max(3, self._clamp_lifetime_count(params.RequestedLifetimeCount))
        )
        result.RevisedMaxKeepAliveCount = ua.UInt32(
            self._clamp_keep_alive_count(params.RequestedMaxKeepAliveCount)
        )
        # The library makes a logger for every subscription number and keeps it for ever: one number is enough.
        result.SubscriptionId = ua.UInt32(0)
        self._sub_id_counter += 1
        number = self._sub_id_counter
        subscription = SampledSubscription(
            result, self.aspace, session, callback,
            {
                "request_callback": request_callback,
                "delete_callback": lambda: self.subscriptions.pop(number, None),
                "no_acks_limit": _UNACKNOWLEDGED,
                "max_queue_size": _LONGEST_QUEUE,
                "publishing_enabled": params.PublishingEnabled,
            },
        )  # fmt: skip
        result.SubscriptionId = ua.UInt32(number)
        self.subscriptions[number] = subscription
        await subscription.start()
        return result

    def of(self, session: "HardenedSession") -> list[SampledSubscription]:
        return [held for held in self.subscriptions.values() if held.session is session]

    def owned(self, session: "HardenedSession", number: int) -> SampledSubscription:
        """Raises: ServiceError: it is not this session's."""
        held = self.subscriptions.get(number)
        if held is None or held.session is not session:
            raise ServiceError(_Bad.BadSubscriptionIdInvalid)
        return held

    def offer(self, event: Callable[[], AuditEvent]) -> None:
        """Queue an event for whoever watches; it is only made if somebody does."""
        for subscription in self.subscriptions.values():
            subscription.items.offer(event)


def keep(queue: dict[int, list[Any]], number: int, notice: Any, size: int) -> None:
    """Append to an item's queue, dropping its oldest when it is full."""
    waiting = queue.setdefault(number, [])
    if len(waiting) >= max(1, size):
        waiting.pop(0)
    waiting.append(notice)


def _selected(item: MonitoredItemData, event: AuditEvent) -> list[ua.Variant] | None:
    """The fields that the item's filter asks for, None if it does not let the event through."""
    evaluator = item.where_clause_evaluator
    try:
        if evaluator is None or not evaluator.eval(event):
            return None
        return event.to_event_fields(item.filter.SelectClauses)
    except Exception:  # a filter that makes no sense selects nothing
        return None
