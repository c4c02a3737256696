"""Rows of an event table, made by hand."""

from typing import Any

SCADA, STRANGER, PLC1 = "10.20.3.20", "10.20.1.77", "10.20.1.10"


def row(ts: float, log: str = "modbus_detailed", **more: Any) -> dict[str, Any]:
    """A row; `orig_h=…` stands for `id.orig_h`, and so on."""
    named = {
        {"orig_h": "id.orig_h", "resp_h": "id.resp_h", "resp_p": "id.resp_p"}.get(k, k): v
        for k, v in more.items()
    }
    ends = {"id.orig_h": STRANGER, "id.orig_p": 40_000, "id.resp_h": PLC1, "id.resp_p": 502}
    return {"ts": float(ts), "log": log, "uid": "C1", **ends, "zone": "control"} | named


def read(ts: float, **more: Any) -> dict[str, Any]:
    """A request to read."""
    asked: dict[str, Any] = {"func": "READ_COILS", "function_code": 1, "is_orig": True}
    return row(ts, **(asked | more))


def closed(ts: float, port: int, **more: Any) -> dict[str, Any]:
    """A connection that was refused."""
    refused: dict[str, Any] = {"conn_state": "REJ", "resp_p": port, "duration": 0.0}
    return row(ts, "conn", **(refused | more))
