"""The control channel's words: newline-delimited JSON over a socket that only the orchestrator can reach.

A request is `{"id": 1, "verb": "speed", "arguments": {"speed": 10}}`; its answer is `{"id": 1, "result": …}` or
`{"id": 1, "error": {"kind": "InputError", "fr": …, "en": …}}`, with `line` where it is about a line of a text. After `subscribe` the lab sends
`{"snapshot": …}` once a second.

| verb | arguments | result |
|---|---|---|
| describe | – | the line's specs (`simulators.model.Line` as JSON) and `fault_modes` by asset |
| snapshot | – | `simulators.snapshot.Snapshot` |
| clock | – | {"t_s", "unix_s", "speed", "paused", "late_s", "backlogs"}: the lab's own date and pace |
| subscribe | – | true, then snapshots |
| trend | tags, minutes | {tag: [[unix_s, value], …]} of what SCADA was shown, from the historian |
| monitor | device, asset | of a condition monitor and a machine (the first it watches): `assets`, `asset`, `features` {name: [[unix_s, value], …]}, `index` and `alarm` likewise, `baseline` {name: {mean, sigma, windows}}, `learnt`, `learnt_windows`, `wanted_windows` |
| write | tag, value | true: an operator's command, sent by SCADA over the wire |
| alarms | since_unix_s | [{"unix_s", "event", "id", "tag", "priority", "value", "by", "text"}]: alarms raised, returned, acknowledged, and commands |
| acknowledge | alarm | true; an alarm's id, or all of them |
| fault | asset, mode, severity | true; 0 mends |
| speed | speed | true |
| pause, resume | – | true |
| reset | factory | true: the plant and the PLCs as at the start; configurations and programs too if asked |
| checkpoint | – | {"t_s", "devices"}: plant, PLCs and configurations are kept in the lab's folder, in place of the former ones |
| restore | – | {"t_s", "devices"}: plant, PLCs, time and configurations are as they were at the checkpoint |
| factory | device | true: its default configuration and, of a PLC, its default program; the device is restarted |
| config | device | {"text", "default", "versions", "schema"} |
| configure | device, text, name | true: checked, applied, device restarted; nothing changed on error, which calls the text `name` |
| check | device, text | true: a configuration that the device would take; nothing changes |
| restart | device | true |
| kill | device | true: ends it without ceremony, for tests and exercises; the host restarts it |
| plc_download | device, source, name | {"sha256"}; an error calls the source `name` |
| plc_upload | device | {"source", "sha256"} |
| plc_mode | device, mode | true |
| plc_status | device | `simulators.contracts.Diagnostics` |
| plcs | – | the ids of the line's PLCs |
| capture_start | – | true |
| capture_stop | – | {"pcap_base64", "frames", "dropped", "events"} |
| record | zones | {"zones"}: the permanent record has the inner traffic of these zones too (all if none is named) |
| events | since_ts, log, device, contains, after, limit | {"events": [row…], "dropped", "columns", "cursor", "now"}: the latest rows, or with `after` (a cursor) the next ones |
| taps | known, wait_s | the zones beside whose devices taps must listen, as soon as they are others than `known` |
| record_pcap | – | {"pcap_base64", "frames", "dropped"}: the latest of the permanent record |
| logs | device, lines | [{"unix_s", "device", "event", …}], of every device if none is named |
| lateness | forget | how late each of the last scans was (ms) |
| endpoints | – | [{"device", "protocol", "host", "port"}] |
| enter | zone | {"pid", "user", "net", "address"}: descriptors of the zone's namespaces in that process, or null |
| stop | – | true, then the lab ends |
"""

# What a lab reads of one request, its end of line included.
REQUEST_LIMIT_BYTES = 4 << 20
