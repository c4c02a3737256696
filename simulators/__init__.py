"""The virtual production line: plant, PLCs, devices and network. Imports nothing else of ours."""
