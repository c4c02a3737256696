"""A row of the event table."""

Row = dict[str, int | float | str | bool | None]

# Every log that a row may be of.
LOGS = ("conn", "modbus_detailed", "opcua_binary", "mqtt", "gateway")
# Every column, in the order of the table: those that all rows have, then each log's own.
COLUMNS = (
    "ts", "log", "uid", "id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p", "proto", "service", "zone", "conduit",
    "is_orig",
    # conn
    "duration", "orig_bytes", "resp_bytes", "conn_state",
    # gateway
    "action", "reason",
    # modbus_detailed
    "tid", "unit", "func", "function_code", "request_response", "address", "quantity", "values", "value",
    "exception_code",
    # opcua_binary
    "msg_type", "is_final", "msg_size", "endpoint_url", "sec_channel_id", "sec_policy_uri", "seq_number",
    "request_id", "identifier", "identifier_str", "node_ids", "results", "encrypted",
    # mqtt
    "proto_version", "client_id", "user", "topic", "qos", "retain", "payload", "payload_len",
    # opcua_binary and mqtt
    "status",
)  # fmt: skip
