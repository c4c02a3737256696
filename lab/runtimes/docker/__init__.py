"""Labs in containers: one a device, on networks of the engine that keep the zones apart.

The supervisor has no rights over the engine: its steward, a process of its own, has. `layout` says what a lab is made of,
`steward` makes it.
"""
