"""Modbus/TCP Security: the TLS side of the server (TLS 1.2 or newer, the client shows a certificate)."""

import datetime as dt
import ssl
from pathlib import Path

from simulators.contracts import Context
from simulators.devices.modbus_plc import pki
from simulators.devices.modbus_plc.config import Security
from simulators.errors import StartError
from simulators.os_errors import os_words


def tls_context(context: Context, security: Security) -> ssl.SSLContext:
    """The server's TLS settings, from the files of the device's `pki` folder.

    Raises:
        StartError: a file is absent or is not what it should be; names it.
    """
    folder = context.folder / "pki"
    try:
        if security.generate:
            _generate(context, security, folder)
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.minimum_version = ssl.TLSVersion.TLSv1_2
        tls.load_cert_chain(folder / security.certificate, folder / security.key)
        tls.load_verify_locations(folder / security.ca)
    except (OSError, ValueError, TypeError) as error:
        raise _unusable(context, security, error) from error
    tls.verify_mode = ssl.CERT_REQUIRED
    return tls


def _generate(context: Context, security: Security, folder: Path) -> None:
    addresses = sorted({*context.spec.interfaces.values(), "127.0.0.1"})
    now = dt.datetime.now(dt.UTC)
    pki.ensure(folder, context.spec.id, addresses, security.roles or (), now)


def _unusable(context: Context, security: Security, error: Exception) -> StartError:
    files = f"{security.certificate}, {security.key}, {security.ca}"
    why = os_words(error)
    return StartError(
        f"{context.spec.id} : certificats inutilisables dans {context.folder / 'pki'} ({files}) : {why.fr} ; "
        "déposez-les, ou écrivez security.generate: true",
        f"{context.spec.id}: unusable certificates in {context.folder / 'pki'} ({files}): {why.en}; "
        "put them there, or write security.generate: true",
    )
