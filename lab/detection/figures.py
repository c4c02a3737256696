"""The figures that a check may ask of the probes of detection."""

SHORT = {"port_scan": "scan", "identify": "identify", "rogue_master": "rogue"}
FIGURES = (
    "score", "detection", "recall_pct", "asset_pct", "technique_pct", "false_alarms_per_h", "alarm_share_pct", "delay_s",
    *(f"{what}_{short}" for short in SHORT.values() for what in ("score", "recall")), "minutes",
)  # fmt: skip
NOTHING = dict.fromkeys(FIGURES, 0.0)
ATTACKS = tuple(SHORT)
