"""What the probes show: each bad certificate is bad in one way only, and a site's authority is always the same."""

import os
from datetime import UTC, datetime

import pytest
from asyncua.common.utils import ServiceError
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from lab.probes.opcua.certificates import FLAWS, authority_pem, ready, revocations_pem, workstation
from simulators.devices.opcua_plc.trust import TrustStore

AUTHORITY = x509.load_pem_x509_certificate(authority_pem("site").encode())
REVOKED = x509.load_pem_x509_crl(revocations_pem("site").encode())
AT_CHANNEL = {"self_signed", "unknown_authority", "expired", "not_yet_valid", "weak_key", "revoked"}


def test_an_authority_is_the_same_each_time_and_another_for_another_site() -> None:
    assert authority_pem("site") == authority_pem("site") != authority_pem("other")
    assert revocations_pem("site") == revocations_pem("site")
    assert AUTHORITY.not_valid_after_utc > datetime(2040, 1, 1, tzinfo=UTC)


def test_the_good_certificate_is_good() -> None:
    TrustStore(True, [AUTHORITY], lists=[REVOKED]).check_client(_der(None))


@pytest.mark.parametrize("flaw", FLAWS)
def test_each_flaw_is_refused_for_itself(flaw: str) -> None:
    store = TrustStore(True, [AUTHORITY], lists=[REVOKED])
    if flaw in AT_CHANNEL:
        with pytest.raises(ServiceError):
            store.check_client(_der(flaw))
    else:
        store.check_client(_der(flaw))
        with pytest.raises(ServiceError):
            store.check_application(_der(flaw), "urn:usine-ecole:workstation")


def test_only_the_list_refuses_the_one_that_was_stolen() -> None:
    TrustStore(True, [AUTHORITY]).check_client(_der("revoked"))


def _der(flaw: str | None) -> bytes:
    return workstation("site", flaw).certificate.public_bytes(Encoding.DER)  # type: ignore[arg-type]


def test_processes_forked_after_it_is_ready_share_one_key() -> None:
    ready()
    reader, writer = os.pipe()
    if (pid := os.fork()) == 0:
        os.write(writer, _modulus().to_bytes(256))
        os._exit(0)
    with os.fdopen(reader, "rb") as told:
        os.close(writer)
        assert int.from_bytes(told.read()) == _modulus()
    os.waitpid(pid, 0)


def _modulus() -> int:
    return workstation("site").key.public_key().public_numbers().n
