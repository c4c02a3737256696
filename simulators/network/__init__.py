"""The line's network: a namespace per zone or flat loopback, forwards for the user's own tools, taps.

`best_network(line)` chooses. Nothing here knows a device.
"""
