"""What the system refuses is said in both languages, with a remedy and without error numbers."""

import errno
import os
import re
import ssl
from pathlib import Path

import pytest

from simulators.os_errors import os_words, unreadable, unwritable


def refused(path: Path) -> BaseException:
    try:
        path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        return error
    raise AssertionError(f"{path} can be read")


@pytest.mark.parametrize(
    "number", [errno.ENOENT, errno.EISDIR, errno.EACCES, errno.ENOSPC, errno.ECONNREFUSED]
)
def test_the_systems_own_words_are_replaced(number: int) -> None:
    words = os_words(OSError(number, os.strerror(number), "/place"))
    assert words.fr != words.en
    assert not re.search(r"Errno|/place", words.fr + words.en)


def test_an_error_that_has_no_words_here_is_not_said_in_english_to_a_french_reader() -> None:
    words = os_words(OSError(errno.ECHILD, os.strerror(errno.ECHILD)))
    assert words.fr == f"erreur {errno.ECHILD} du système"
    assert words.en == os.strerror(errno.ECHILD)


@pytest.mark.parametrize(
    ("error", "en"),
    [
        (TimeoutError("timed out"), "no answer in time"),
        (ConnectionError("closed"), "connection cut"),
        (EOFError(), "connection cut"),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"), "not UTF-8 text"),
    ],
)
def test_errors_without_a_number_have_words(error: BaseException, en: str) -> None:
    assert os_words(error).en == en
    assert os_words(error).fr != en


def test_what_tls_refuses_has_words() -> None:
    with pytest.raises(ssl.SSLError) as caught:
        ssl.create_default_context().load_verify_locations(cadata="no certificate")
    assert os_words(caught.value).en == "not PEM"


def test_a_file_that_cannot_be_read_is_named_with_its_own_remedy(tmp_path: Path) -> None:
    absent, binary = tmp_path / "absent.yaml", tmp_path / "binary.yaml"
    binary.write_bytes(b"\xff\xfe")
    assert (
        unreadable(absent, refused(absent)).text.en == f"{absent}: cannot be read (not found); check the path"
    )
    assert unreadable(tmp_path, refused(tmp_path)).text.fr.endswith(
        "illisible (c'est un dossier, pas un fichier) ; donnez le chemin d'un fichier"
    )
    assert unreadable(binary, refused(binary)).text.en.endswith("(not UTF-8 text); save it as UTF-8")


def test_a_file_that_cannot_be_written_is_named_with_a_remedy() -> None:
    with pytest.raises(OSError, match="space") as caught, Path("/dev/full").open("wb", buffering=0) as file:
        file.write(b"x")
    assert unwritable("out.csv", caught.value).text.fr == (
        "out.csv : écriture impossible (disque plein) ; libérez de la place ou choisissez un autre dossier"
    )
