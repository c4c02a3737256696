"""Labs over the machines of a Docker Swarm: each whole on one machine, where a steward of that machine's engine makes it.

`head` is the supervisor's side, `node` runs on every machine (a global service), `relay` leads the head's connections into
the network that the nodes listen on. A stream (`streams`) is one order and the bytes that belong to it.
"""
