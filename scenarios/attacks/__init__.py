"""Attacks: one technique of ATT&CK for ICS each, found by their place (`lab.attacks.engine`)."""
