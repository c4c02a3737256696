"""Whether a broker answers: CONNECT, then any CONNACK (MQTT 3.1.1, 3.1 and 3.2)."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Awaitable, Callable

ANSWER_LIMIT_S = 2.0
_RETRY_S = 0.005
# Clean session, keep-alive 10 s, client identifier "lab-start"; then DISCONNECT.
CONNECT = b"\x10\x15\x00\x04MQTT\x04\x02\x00\x0a\x00\x09lab-start"
DISCONNECT = b"\xe0\x00"


async def answers(connect: Callable[[], Awaitable[socket.socket]], secure: bool) -> None:
    """Return once the broker has answered.

    A refused identity is an answer, and so is TLS that asks for a certificate that we do not have.

    Raises:
        OSError: nobody listens, or what does so is no broker.
        TimeoutError: no answer after 2 s.
    """
    async with asyncio.timeout(ANSWER_LIMIT_S):
        plain = await connect()
        try:
            reader, writer = await asyncio.open_connection(
                sock=plain,
                ssl=_any_server() if secure else None,
                server_hostname="broker" if secure else None,
            )
        except ssl.SSLError:
            return
        try:
            writer.write(CONNECT)
            answer = await reader.readexactly(4)
            writer.write(DISCONNECT)
        except (ssl.SSLError, asyncio.IncompleteReadError, ConnectionError) as error:
            if not secure:
                raise ConnectionRefusedError(str(error)) from error
            return
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
    if answer[0] != 0x20:
        raise ConnectionRefusedError("no CONNACK")


async def answers_soon(
    connect: Callable[[], Awaitable[socket.socket]], secure: bool, alive: Callable[[], bool], within_s: float
) -> bool:
    """Whether the broker answers within that time; gives up as soon as it is no longer `alive`."""
    deadline = asyncio.get_running_loop().time() + within_s
    while alive() and asyncio.get_running_loop().time() < deadline:
        try:
            await answers(connect, secure)
        except (OSError, TimeoutError):
            await asyncio.sleep(_RETRY_S)
        else:
            return True
    return False


def _any_server() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
