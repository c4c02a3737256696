"""What the operating system refuses, in words for people: its own are in one language, and name no remedy."""

import errno
import os
import re
from pathlib import Path

from simulators.errors import InputError
from simulators.text import Text

_WORDS: dict[int, tuple[str, str]] = {
    errno.ENOENT: ("introuvable", "not found"),
    errno.EISDIR: ("c'est un dossier, pas un fichier", "it is a folder, not a file"),
    errno.ENOTDIR: ("une partie du chemin n'est pas un dossier", "a part of the path is not a folder"),
    errno.EACCES: ("accès refusé", "access denied"),
    errno.EPERM: ("accès refusé", "access denied"),
    errno.EEXIST: ("existe déjà", "there is one already"),
    errno.ENAMETOOLONG: ("nom trop long", "name too long"),
    errno.ELOOP: ("liens symboliques sans fin", "symbolic links without end"),
    errno.EROFS: ("disque en lecture seule", "the disk is read-only"),
    errno.ENOSPC: ("disque plein", "the disk is full"),
    errno.EDQUOT: ("quota de disque atteint", "the disk quota is used up"),
    errno.EFBIG: (
        "fichier trop grand pour ce disque ou cette limite",
        "file too large for this disk or limit",
    ),
    errno.EIO: ("erreur du disque", "disk error"),
    errno.EBUSY: ("déjà utilisé", "in use"),
    errno.ETXTBSY: ("déjà utilisé", "in use"),
    errno.EMFILE: ("trop de fichiers ouverts", "too many open files"),
    errno.ENFILE: ("trop de fichiers ouverts", "too many open files"),
    errno.ENOMEM: ("mémoire insuffisante", "not enough memory"),
    errno.EINVAL: ("valeur refusée par le système", "value refused by the system"),
    errno.ENXIO: ("personne n'écoute", "nobody listens"),
    errno.ENODEV: ("périphérique absent", "no such device"),
    errno.ECONNREFUSED: ("connexion refusée", "connection refused"),
    errno.ECONNRESET: ("connexion coupée", "connection cut"),
    errno.ECONNABORTED: ("connexion coupée", "connection cut"),
    errno.EPIPE: ("connexion coupée", "connection cut"),
    errno.ETIMEDOUT: ("pas de réponse à temps", "no answer in time"),
    errno.EHOSTUNREACH: ("hôte injoignable", "host out of reach"),
    errno.ENETUNREACH: ("réseau injoignable", "network out of reach"),
    errno.ENETDOWN: ("réseau arrêté", "the network is down"),
    errno.EADDRINUSE: ("adresse déjà prise", "address in use"),
    errno.EADDRNOTAVAIL: ("adresse absente de cette machine", "not an address of this machine"),
    errno.ENOSYS: ("absent de ce système", "not in this system"),
    errno.EOPNOTSUPP: ("absent de ce système", "not in this system"),
}
_NOT_PEM = ("ce n'est pas du PEM", "not PEM")
_TLS_WORDS: tuple[tuple[str, tuple[str, str]], ...] = (
    ("no start line", _NOT_PEM),
    ("pem lib", _NOT_PEM),
    ("no certificate or crl found", _NOT_PEM),
    ("bad base64", _NOT_PEM),
    ("key values mismatch", ("la clé n'est pas celle du certificat", "the key is not the certificate's")),
    (
        "certificate verify failed",
        ("certificat que l'autorité n'a pas signé", "a certificate that the authority did not sign"),
    ),
    ("wrong version number", ("l'autre bout ne parle pas TLS", "the other end does not speak TLS")),
)
_TYPES: tuple[tuple[type[BaseException], tuple[str, str]], ...] = (
    (TimeoutError, _WORDS[errno.ETIMEDOUT]),
    (ConnectionRefusedError, _WORDS[errno.ECONNREFUSED]),
    (ConnectionError, _WORDS[errno.ECONNRESET]),
    (EOFError, _WORDS[errno.ECONNRESET]),
)
_READ_REMEDIES: dict[int, tuple[str, str]] = {
    errno.ENOENT: ("vérifiez le chemin", "check the path"),
    errno.ENOTDIR: ("vérifiez le chemin", "check the path"),
    errno.ENAMETOOLONG: ("vérifiez le chemin", "check the path"),
    errno.EISDIR: ("donnez le chemin d'un fichier", "give the path of a file"),
    errno.EACCES: ("donnez-vous le droit de le lire", "give yourself the right to read it"),
    errno.EPERM: ("donnez-vous le droit de le lire", "give yourself the right to read it"),
}
_WRITE_REMEDIES: dict[int, tuple[str, str]] = {
    errno.EISDIR: ("donnez le chemin d'un fichier", "give the path of a file"),
    errno.ENAMETOOLONG: ("donnez un nom plus court", "give a shorter name"),
}


def os_words(error: BaseException) -> Text:
    """Why the system refused, without the thing that it is about. Words of other libraries stay as they are."""
    if isinstance(error, UnicodeError):
        return Text(fr="ce n'est pas du texte UTF-8", en="not UTF-8 text")
    if type(error).__module__ == "ssl":
        return _tls_words(error)
    number = getattr(error, "errno", None)
    if isinstance(error, OSError) and number in _WORDS:
        return Text(*_WORDS[number])
    for kind, words in _TYPES:
        if isinstance(error, kind):
            return Text(*words)
    if isinstance(error, OSError) and isinstance(number, int):
        return Text(fr=f"erreur {number} du système", en=os.strerror(number))
    said = str(error) or type(error).__name__
    return Text(fr=said, en=said)


def _tls_words(error: BaseException) -> Text:
    said = re.sub(r" \(_ssl\.c:\d+\)$", "", str(error.args[-1] if error.args else error))
    plain = said.replace("_", " ").lower()
    known = next((words for part, words in _TLS_WORDS if part in plain), None)
    return Text(*known) if known else Text(fr=f"TLS : {said}", en=f"TLS: {said}")


def unreadable(path: Path | str, error: BaseException) -> InputError:
    """A file of a person's that cannot be read, with what to do."""
    why = os_words(error)
    default = ("vérifiez le chemin et les droits", "check the path and the rights")
    if isinstance(error, UnicodeError):
        default = ("enregistrez-le en UTF-8", "save it as UTF-8")
    remedy = _READ_REMEDIES.get(getattr(error, "errno", None) or 0, default)
    return InputError(
        f"{path} : illisible ({why.fr}) ; {remedy[0]}", f"{path}: cannot be read ({why.en}); {remedy[1]}"
    )


def unwritable(path: Path | str, error: BaseException) -> InputError:
    """A file that cannot be written for a person, with what to do."""
    why = os_words(error)
    default = (
        "libérez de la place ou choisissez un autre dossier",
        "free some space or choose another folder",
    )
    remedy = _WRITE_REMEDIES.get(getattr(error, "errno", None) or 0, default)
    return InputError(
        f"{path} : écriture impossible ({why.fr}) ; {remedy[0]}",
        f"{path}: cannot be written ({why.en}); {remedy[1]}",
    )
