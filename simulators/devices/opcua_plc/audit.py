"""The audit trail: a file that is only ever appended to, the lab's log, and audit events for subscribers."""

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from asyncua import ua
from asyncua.common import event_objects
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.object_ids import ObjectIds

from simulators.devices.opcua_plc.names import standard, status

AUDIT_FILE = "audit.jsonl"
_ROTATE_BYTES = 4 << 20
_EVENTS: dict[str, type[event_objects.AuditEvent]] = {
    "open_channel": event_objects.AuditOpenSecureChannelEvent,
    "create_session": event_objects.AuditCreateSessionEvent,
    "activate_session": event_objects.AuditActivateSessionEvent,
    "close_session": event_objects.AuditSessionEvent,
    "write": event_objects.AuditWriteUpdateEvent,
    "call": event_objects.AuditUpdateMethodEvent,
}
_KINDS = {"ActionTimeStamp": ua.VariantType.DateTime}


class AuditTrail:
    """`record` does nothing when auditing is off. A full disk loses records, is counted, and stops nothing."""

    def __init__(
        self,
        enabled: bool,
        folder: Path,
        log: Callable[..., None],
        unix_s: Callable[[], float],
        offer: Callable[[Callable[[], event_objects.AuditEvent]], None],
    ) -> None:
        self._path = folder / AUDIT_FILE
        self._enabled = enabled
        self._log = log
        self._unix_s = unix_s
        self._offer = offer
        self._file: int | None = None
        self.lost = 0

    def record(self, event: str, code: int, address: str, user: str | None, **fields: Any) -> None:
        """Keep what happened. `code` is the status code answered (0 is good)."""
        if not self._enabled:
            return
        said = status(code)
        row = {
            "unix_s": round(self._unix_s(), 3),
            "event": event,
            "status": said.name,
            "address": address,
            "user": user,
        }
        self._append({**row, **fields})
        self._log(f"opcua_{event}", status=said.name, address=address, user=user, **fields)
        self._offer(lambda: self._event(event, said, address, user, fields))

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _append(self, row: dict[str, Any]) -> None:
        try:
            if self._file is None:
                self._open()
            assert self._file is not None
            os.write(
                self._file, (json.dumps(row, ensure_ascii=False, default=str) + "\n").encode(errors="replace")
            )
            if os.fstat(self._file).st_size > _ROTATE_BYTES:
                self.close()
        except OSError:
            self.lost += 1

    def _open(self) -> None:
        if self._path.exists() and self._path.stat().st_size > _ROTATE_BYTES:
            self._path.replace(self._path.with_suffix(".1.jsonl"))
        self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)

    def _event(
        self, event: str, said: ua.StatusCode, address: str, user: str | None, fields: dict[str, Any]
    ) -> event_objects.AuditEvent:
        made = _EVENTS[event](message=f"{event} {said.name} {user or ''} {address}".replace("  ", " "))
        now = datetime.fromtimestamp(self._unix_s(), UTC)
        told = {
            "EventId": uuid4().bytes, "Time": now, "ReceiveTime": now, "ActionTimeStamp": now,
            "SourceName": event, "SourceNode": standard(ObjectIds.Server),
            "Status": said.is_good(), "StatusCodeId": said, "ClientUserId": user, "ClientAuditEntryId": address,
        }  # fmt: skip
        if event == "write":
            told["SourceNode"] = ua.NodeId.from_string(str(fields["node"]))
            told["NewValue"], told["OldValue"] = _variant(fields["value"]), _variant(fields["before"])
            told["AttributeId"] = AttributeIds.Value.value
        if event == "call":
            told["MethodId"] = ua.NodeId.from_string(str(fields["node"]))
        for name, value in told.items():
            setattr(made, name, value)
        made.data_types.update(_KINDS)
        return made


def _variant(value: Any) -> ua.Variant:
    return ua.Variant(value)
