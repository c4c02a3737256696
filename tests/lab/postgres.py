"""A PostgreSQL server of the tests' own: in a folder that goes away, reached by a Unix socket in it and nothing else."""

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pg8000.native  # type: ignore[import-untyped]

from tests.conftest import postgresql_programs
from tests.waiting import HANG_S

# Nothing here outlives the tests: no byte needs to reach the disk.
SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "100",
    "shared_buffers": "32MB",
    "lc_messages": "C",
}


@dataclass(frozen=True)
class Cluster:
    """Who may connect: whoever can enter its folder."""

    folder: Path

    @property
    def socket(self) -> Path:
        return self.folder / ".s.PGSQL.5432"

    def url(self, name: str) -> str:
        return f"postgresql://postgres@/{name}?unix_sock={self.socket}"

    def run(self, statement: str) -> None:
        """One statement on the database `postgres`."""
        connection = pg8000.native.Connection("postgres", database="postgres", unix_sock=str(self.socket))
        try:
            connection.run(statement)
        finally:
            connection.close()


@contextmanager
def cluster() -> Iterator[Cluster]:
    """A server that answers, ended with the block."""
    programs = postgresql_programs()
    assert programs is not None
    folder = Path(tempfile.mkdtemp(prefix="pg"))
    made = Cluster(folder)
    _give_away(folder)
    data = folder / "data"
    initdb = [
        str(programs / "initdb"),
        "-D",
        str(data),
        "-U",
        "postgres",
        "--auth=trust",
        "-E",
        "UTF8",
        "--no-sync",
    ]
    subprocess.run(
        [*_as_postgres(), *initdb, "--locale=C.UTF-8"], check=True, capture_output=True, cwd=folder
    )
    settings = [part for name, value in SETTINGS.items() for part in ("-c", f"{name}={value}")]
    settings += ["-c", f"unix_socket_directories={folder}"]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [*_as_postgres(), str(programs / "postgres"), "-D", str(data), *settings],
            stdout=log,
            stderr=log,
            cwd=folder,
        )
    try:
        _wait_ready(made, server)
        yield made
    finally:
        server.terminate()
        server.wait(HANG_S)
        shutil.rmtree(folder, ignore_errors=True)


def _wait_ready(made: Cluster, server: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + HANG_S
    while time.monotonic() < deadline and server.poll() is None:
        try:
            made.run("SELECT 1")
        except (pg8000.native.Error, OSError):
            time.sleep(0.02)
        else:
            return
    raise AssertionError((made.folder / "log").read_text())


def _as_postgres() -> list[str]:
    """The server refuses to run as root: then it is another account's."""
    if os.geteuid() != 0:
        return []
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]


def _give_away(folder: Path) -> None:
    if os.geteuid() == 0:
        account = pwd.getpwnam("postgres")
        os.chown(folder, account.pw_uid, account.pw_gid)
