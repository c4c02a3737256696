"""Figures of this machine: what a lab costs, how fast it starts, how late its scans are."""
