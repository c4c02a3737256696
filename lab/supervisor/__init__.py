"""The supervisor: the one process that starts and ends labs; others ask it over a Unix socket.

Single-threaded, and without an event loop of asyncio: it is the warm parent that labs are forked from.
`python -m lab.supervisor` runs one until it is told to end.
"""
