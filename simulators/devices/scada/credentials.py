"""Certificates and keys that the configuration names: files of a `pki` folder, or PEM text in the YAML."""

import hashlib
import re
import ssl
from pathlib import Path

from simulators.devices.scada.config import Tls
from simulators.document import PlaceError
from simulators.validation import Place

SHOWN_MAX = 40
_NAME = re.compile(r"(?:([a-z][a-z0-9_]*)/)?([A-Za-z0-9_][A-Za-z0-9_.-]*)")


def pem_path(folder: Path, named: str, place: Place) -> Path:
    """The file that holds `named`, where `folder` is SCADA's own; `place` is where the configuration names it.

    `operator.pem` is in SCADA's `pki` folder, `plc1/ca.pem` in that of plc1; PEM text is written to a file.

    Raises:
        PlaceError: no such file.
    """
    if named.lstrip().startswith("-----BEGIN"):
        return _written(folder / "pki", named)
    match = _NAME.fullmatch(named)
    owner = folder.parent / match[1] if match and match[1] else folder
    path = owner / "pki" / (match[2] if match else named)
    if match is None or not path.is_file():
        shown = named.strip().partition("\n")[0][:SHOWN_MAX]
        raise PlaceError(
            place,
            f"{shown} : introuvable dans le dossier pki de {owner.name} ; déposez le fichier là ou collez son texte "
            "entier (PEM, de BEGIN à END)",
            f"{shown}: not found in the pki folder of {owner.name}; put the file there or paste its whole text "
            "(PEM, from BEGIN to END)",
        )
    return path


def _written(pki: Path, text: str) -> Path:
    path = pki / f"inline-{hashlib.sha256(text.encode()).hexdigest()[:16]}.pem"
    if not path.exists():
        pki.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(text.strip() + "\n", encoding="utf-8")
    return path


def tls_context(folder: Path, tls: Tls, place: Place) -> ssl.SSLContext:
    """A client's context, TLS 1.2 at least; `place` is that of `tls` in the configuration.

    Raises:
        PlaceError: a file is missing or is no certificate or key.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = tls.server_name is not None
    context.verify_mode = ssl.CERT_REQUIRED if tls.ca else ssl.CERT_NONE
    if tls.ca:
        _trust(context, pem_path(folder, tls.ca, (*place, "ca")), (*place, "ca"))
    if tls.certificate:
        certificate = pem_path(folder, tls.certificate, (*place, "certificate"))
        key = pem_path(folder, tls.key, (*place, "key")) if tls.key else None
        _show(context, certificate, key, (*place, "certificate"))
    return context


def _trust(context: ssl.SSLContext, authority: Path, place: Place) -> None:
    try:
        context.load_verify_locations(authority)
    except (ssl.SSLError, ValueError) as error:
        raise PlaceError(
            place,
            "ce n'est pas un certificat ; collez le texte entier de l'autorité (PEM, de BEGIN à END)",
            "this is no certificate; paste the authority's whole text (PEM, from BEGIN to END)",
        ) from error


def _show(context: ssl.SSLContext, certificate: Path, key: Path | None, place: Place) -> None:
    try:
        # A key under a pass phrase is refused: nobody is there to be asked.
        context.load_cert_chain(certificate, key, password="")
    except (ssl.SSLError, ValueError) as error:
        raise PlaceError(
            place,
            "certificat ou clé inutilisable, ou clé d'un autre certificat ; donnez du PEM, et la clé de ce certificat, "
            "sans phrase secrète",
            "the certificate or the key cannot be used, or the key is another certificate's; give PEM, and that "
            "certificate's key, without a pass phrase",
        ) from error
