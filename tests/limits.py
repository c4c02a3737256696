"""A disk that takes no more, as a limit of this process: what is written beyond it is refused by the system."""

import contextlib
import resource
from collections.abc import Iterator


@contextlib.contextmanager
def small_files(size_bytes: int) -> Iterator[None]:
    """No file can grow beyond that."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
