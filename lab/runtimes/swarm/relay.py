"""Leads connections of a Unix socket into the network that it stands in: `python -m lab.runtimes.swarm.relay SOCKET`.

The first line of a connection says where to, `{"to": [address, port]}`; everything else is passed on. It stands on the manager,
in the nodes' overlay network, for the host itself has no way into one.
"""

import asyncio
import sys
from pathlib import Path

import msgspec

from lab.runtimes.swarm.streams import LINE_BYTES, Stream, join, keep_alive

CONNECT_LIMIT_S = 5.0


async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One connection, to its end."""
    near = Stream(reader, writer)
    try:
        wanted = await near.line()
        if wanted is None:
            return
        address, port = wanted["to"]
        async with asyncio.timeout(CONNECT_LIMIT_S):
            far = Stream(*await asyncio.open_connection(str(address), int(port), limit=LINE_BYTES))
            keep_alive(far.writer)
    except (OSError, TimeoutError, ValueError, KeyError, TypeError, msgspec.MsgspecError) as error:
        sys.stderr.write(f"{error!r}\n")
        near.close()
        return
    await join(near, far)


async def serve(path: Path) -> None:
    """For ever."""
    path.unlink(missing_ok=True)
    server = await asyncio.start_unix_server(relay, str(path), limit=LINE_BYTES)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1])))
