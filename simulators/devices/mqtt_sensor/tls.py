"""A sensor's side of TLS."""

import ssl
from pathlib import Path

from simulators.devices.mqtt_sensor.config import Tls


def client_tls(folder: Path, config: Tls) -> ssl.SSLContext:
    """Raises: OSError, ssl.SSLError: the certificate and the key are not a pair, or cannot be written."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    tls.check_hostname = config.verify_name and config.ca is not None
    if config.ca is None:
        tls.verify_mode = ssl.CERT_NONE
    else:
        tls.load_verify_locations(cadata=config.ca)
    if config.cert and config.key:
        path = folder / "tls.pem"
        path.touch(mode=0o600)
        path.write_text(f"{config.cert}\n{config.key}", encoding="utf-8")
        # A key under a pass phrase is refused: nobody is there to be asked.
        tls.load_cert_chain(path, password="")
    return tls
