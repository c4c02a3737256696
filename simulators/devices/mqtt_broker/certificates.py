"""PEM files are checked before the broker sees them: Mosquitto would ask a terminal for a pass phrase."""

from simulators.devices.mqtt_broker.bundle import Section
from simulators.errors import at_line


def check_pem(word: str, section: Section, name: str) -> None:
    """Check the file that the directive `word` names.

    Raises:
        InputError: not a certificate, key or list in PEM, or a key under a pass phrase.
    """
    from cryptography import x509
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    data = section.text.encode()
    try:
        match word:
            case "keyfile":
                load_pem_private_key(data, None)
            case "crlfile":
                x509.load_pem_x509_crl(data)
            case _:
                x509.load_pem_x509_certificates(data)
    except TypeError as error:
        raise at_line(
            name,
            section.line,
            f"la clé {section.name} a une phrase secrète ; donnez-la sans",
            f"the key {section.name} has a pass phrase; give it without one",
        ) from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise at_line(
            name,
            section.line,
            f"{section.name} n'est pas un PEM valable pour {word} ; collez le fichier entier, de BEGIN à END",
            f"{section.name} is not valid PEM for {word}; paste the whole file, from BEGIN to END",
        ) from error


def are_a_pair(certificate: Section, key: Section) -> bool:
    """Whether the private key is that of the file's first certificate; both were checked."""
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    first = x509.load_pem_x509_certificates(certificate.text.encode())[0]
    return bool(first.public_key() == load_pem_private_key(key.text.encode(), None).public_key())
