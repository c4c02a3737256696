"""Modbus/TCP Security: the TLS side of the server (TLS 1.2 or newer, the client shows a certificate)."""

import datetime as dt
import ssl
from pathlib import Path

from simulators.contracts import Context
from simulators.devices.modbus_plc import pki
from simulators.devices.modbus_plc.config import Security
from simulators.document import PlaceError
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


def check_files(context: Context, security: Security) -> None:
    """Raises: PlaceError: a file that the configuration names is not there, or not what it should be."""
    if security.generate:
        return
    folder = context.folder / "pki"
    for key in ("certificate", "key", "ca"):
        named = getattr(security, key)
        if not (folder / named).is_file():
            raise PlaceError(
                ("security", key),
                f"{named} : introuvable dans le dossier pki de {context.spec.id} ; déposez-le, ou écrivez "
                "security.generate: true",
                f"{named}: not found in the pki folder of {context.spec.id}; put it there, or write "
                "security.generate: true",
            )
    try:
        tls_context(context, security)
    except StartError as error:
        raise PlaceError(("security",), error.text.fr, error.text.en) from error


def _generate(context: Context, security: Security, folder: Path) -> None:
    addresses = sorted({*context.spec.interfaces.values(), "127.0.0.1"})
    now = dt.datetime.now(dt.UTC)
    pki.ensure(folder, context.spec.id, addresses, security.roles or (), now)


def _unusable(context: Context, security: Security, error: Exception) -> StartError:
    files = f"{security.certificate}, {security.key}, {security.ca}"
    why = os_words(error)
    return StartError(
        f"{context.spec.id} : certificats inutilisables dans son dossier pki ({files}) : {why.fr} ; "
        "déposez-les, ou écrivez security.generate: true",
        f"{context.spec.id}: unusable certificates in its pki folder ({files}): {why.en}; "
        "put them there, or write security.generate: true",
    )
