"""A TCP or TLS connection from a place, and how it can go wrong, in words that findings share."""

import asyncio
import contextlib
import ssl
import tempfile
import warnings
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from lab.probes.contract import Where
from simulators.errors import InputError
from simulators.os_errors import os_words

Port = Annotated[int, msgspec.Meta(ge=1, le=65535)]
WaitS = Annotated[float, msgspec.Meta(gt=0, le=8)]
Version = Literal["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"]
VERSIONS: dict[Version, ssl.TLSVersion] = {
    "TLSv1": ssl.TLSVersion.TLSv1, "TLSv1.1": ssl.TLSVersion.TLSv1_1,
    "TLSv1.2": ssl.TLSVersion.TLSv1_2, "TLSv1.3": ssl.TLSVersion.TLSv1_3,
}  # fmt: skip
FAILURES = ("unreachable", "closed", "tls_refused", "silent")
# `silent` proves nothing: it is not among them.
REFUSED = ("unreachable", "closed", "tls_refused")


class Tls(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a client speaks TLS: texts in PEM. Without `ca` the server's chain is not looked at.

    `least` and `most` bound the versions that the client offers.
    """

    ca: str | None = None
    certificate: str | None = None
    key: str | None = None
    hostname: str | None = None
    least: Version | None = None
    most: Version | None = None


class Trouble(Exception):  # noqa: N818 -- an outcome, not a fault of ours
    """No answer was had: `observed` is one of `FAILURES`, `answer` what was met."""

    def __init__(self, observed: str, answer: str) -> None:
        super().__init__(observed, answer)
        self.observed = observed
        self.answer = answer


class Stream:
    """A connection of which every wait is bounded and every end is a `Trouble`."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, wait_s: float) -> None:
        self.reader, self.writer = reader, writer
        self.wait_s = wait_s

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def exactly(self, count: int, wait_s: float | None = None) -> bytes:
        """`count` bytes. Raises: Trouble: closed, or silent for the wait."""
        try:
            async with asyncio.timeout(wait_s or self.wait_s):
                return await self.reader.readexactly(count)
        except TimeoutError as error:
            raise Trouble("silent", f"nothing within {wait_s or self.wait_s:g} s") from error
        except asyncio.IncompleteReadError as error:
            raise Trouble("closed", "connection closed by the server") from error
        except ssl.SSLError as error:
            raise Trouble("tls_refused", tls_words(error)) from error
        except OSError as error:
            raise Trouble("closed", str(error)) from error

    @property
    def tls(self) -> ssl.SSLObject | None:
        found: ssl.SSLObject | None = self.writer.get_extra_info("ssl_object")
        return found


@contextlib.asynccontextmanager
async def connected(
    where: Where,
    device: str,
    port: int | None,
    wait_s: float,
    tls: Tls | None = None,
    source: str | None = None,
    settings: ssl.SSLContext | None = None,
) -> AsyncIterator[Stream]:
    """A connection to a device, from `source` (a device of the line or an address) if named.

    `settings`, if given, are used in place of those that `tls` makes.

    Raises:
        Trouble: there is none.
        InputError: no such place, or credentials that are none.
    """
    host, number = where.address(device, port)
    settings = settings or (context(tls) if tls is not None else None)
    name = (tls.hostname or host) if tls is not None else None
    own = (address_of(where, source), 0) if source is not None else None
    try:
        async with asyncio.timeout(wait_s):
            reader, writer = await asyncio.open_connection(
                host, number, ssl=settings, server_hostname=name, local_addr=own
            )
    except TimeoutError as error:
        raise Trouble("silent", f"no connection within {wait_s:g} s") from error
    except ssl.SSLError as error:
        raise Trouble("tls_refused", tls_words(error)) from error
    except ConnectionResetError as error:
        raise Trouble("closed", str(error)) from error
    except OSError as error:
        raise Trouble("unreachable", str(error)) from error
    try:
        yield Stream(reader, writer, wait_s)
    finally:
        writer.transport.abort()
        await asyncio.sleep(0)  # the loop closes it in its next turn


def address_of(where: Where, source: str) -> str:
    """The address of a device of the line, or the address itself if it is the lab's. Raises: InputError."""
    if any(device.id == source for device in where.line.devices):
        spec = where.line.device(source)
        return spec.interfaces.get(where.zone, spec.address)
    return where.check(source)


def context(tls: Tls) -> ssl.SSLContext:
    """The client's settings. Raises: InputError: a text is not PEM, or a key is not its certificate's."""
    settings = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    settings.check_hostname = tls.ca is not None
    settings.verify_mode = ssl.CERT_REQUIRED if tls.ca is not None else ssl.CERT_NONE
    with warnings.catch_warnings():  # to see that old versions are refused one must offer them
        warnings.simplefilter("ignore", DeprecationWarning)
        settings.minimum_version = VERSIONS[tls.least or tls.most or "TLSv1.2"]
        if tls.most is not None:
            settings.maximum_version = VERSIONS[tls.most]
            settings.minimum_version = min(settings.minimum_version, VERSIONS[tls.most])
    if settings.minimum_version < ssl.TLSVersion.TLSv1_2:
        settings.set_ciphers("ALL:@SECLEVEL=0")
    try:
        if tls.ca is not None:
            settings.load_verify_locations(cadata=tls.ca)
        if tls.certificate is not None:
            with tempfile.TemporaryDirectory() as folder:  # the library reads keys from files only
                path = Path(folder) / "client.pem"
                path.touch(mode=0o600)
                path.write_text(f"{tls.certificate}\n{tls.key or ''}", encoding="utf-8")
                settings.load_cert_chain(path)
    except (ssl.SSLError, ValueError) as error:
        why = os_words(error)
        raise InputError(
            f"tls : certificat ou clé inutilisable ({why.fr}) ; donnez du PEM",
            f"tls: certificate or key that cannot be used ({why.en}); give PEM",
        ) from error
    return settings


def tls_words(error: ssl.SSLError) -> str:
    """What failed, and of a certificate why."""
    why = getattr(error, "verify_message", "")
    return f"{error.reason or error}{f': {why}' if why else ''}"


def version(stream: Stream) -> tuple[str, str]:
    """The TLS version and cipher that were agreed on."""
    found = stream.tls
    if found is None:
        return "", ""
    cipher = found.cipher()
    return found.version() or "", cipher[0] if cipher else ""
