"""Certificates and keys that the configuration names: files of a `pki` folder, or PEM text in the YAML."""

import hashlib
import re
import ssl
from pathlib import Path

from simulators.devices.scada.config import Tls
from simulators.errors import InputError
from simulators.os_errors import os_words

_NAME = re.compile(r"(?:([a-z][a-z0-9_]*)/)?([A-Za-z0-9_][A-Za-z0-9_.-]*)")


def pem_path(folder: Path, named: str) -> Path:
    """The file that holds `named`, where `folder` is SCADA's own.

    `operator.pem` is in SCADA's `pki` folder, `plc1/ca.pem` in that of plc1; PEM text is written to a file.

    Raises:
        InputError: no such file.
    """
    if named.lstrip().startswith("-----BEGIN"):
        return _written(folder / "pki", named)
    match = _NAME.fullmatch(named)
    owner = folder.parent / match[1] if match and match[1] else folder
    path = owner / "pki" / (match[2] if match else named)
    if match is None or not path.is_file():
        raise InputError(
            f"{named} : introuvable dans {owner / 'pki'} ; déposez le fichier là ou collez son texte PEM",
            f"{named}: not found in {owner / 'pki'}; put the file there or paste its PEM text",
        )
    return path


def _written(pki: Path, text: str) -> Path:
    path = pki / f"inline-{hashlib.sha256(text.encode()).hexdigest()[:16]}.pem"
    if not path.exists():
        pki.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(text.strip() + "\n", encoding="utf-8")
    return path


def tls_context(folder: Path, tls: Tls) -> ssl.SSLContext:
    """A client's context, TLS 1.2 at least.

    Raises:
        InputError: a file is missing or is no certificate or key.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = tls.server_name is not None
    context.verify_mode = ssl.CERT_REQUIRED if tls.ca else ssl.CERT_NONE
    try:
        if tls.ca:
            context.load_verify_locations(pem_path(folder, tls.ca))
        if tls.certificate:
            key = pem_path(folder, tls.key) if tls.key else None
            context.load_cert_chain(pem_path(folder, tls.certificate), key)
    except (ssl.SSLError, ValueError) as error:
        why = os_words(error)
        raise InputError(
            f"TLS : certificat ou clé inutilisable ({why.fr}) ; donnez du PEM, et la clé du certificat",
            f"TLS: certificate or key cannot be used ({why.en}); give PEM, and that certificate's key",
        ) from error
    return context
