"""What a warm parent does so that its children share more of its memory."""

import ctypes
import gc
import sys
from collections.abc import Callable

# CPython's small-object allocator: blocks of 16 to 512 bytes, in pools of 16 KiB of one size (obmalloc.c).
SMALLEST, LARGEST, ALIGNMENT = 16, 512, 16
# Blocks that follow each other for so long are those of a pool that was empty.
FRESH_BYTES = 12 << 10
TRIES_MAX = 50_000

PR_SET_MEMORY_MERGE = 67

_kept: list[object] = []


def settle() -> None:
    """Collect, give free memory back, and leave the children nothing half-used to write into.

    A child writes its new objects into the free blocks of its parent's pages, and each such page is then
    copied for it. Filling those blocks here makes a child's objects lie together on fresh pages. What is
    frozen is never walked by the children's collector.
    """
    gc.collect()
    _kept.extend(_fill(size) for size in range(SMALLEST, LARGEST + 1, ALIGNMENT))
    gc.freeze()


def offer_pages() -> None:
    """Let the kernel keep one copy of pages that labs have alike, where its administrator switched that on.

    Touching a shared object writes its reference count, and so copies its page; once the count is back, the
    copies of all labs are alike again. Same-page merging gives them back (Linux 6.4, prctl(2)); harmless
    elsewhere.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_MEMORY_MERGE, 1, 0, 0, 0)


def _fill(size: int) -> list[object]:
    """Objects of `size` bytes, until they come one beside the other: the free blocks are used up."""
    make = _maker(size)
    filled: list[object] = []
    run, last = 0, 0
    while run * size < FRESH_BYTES and len(filled) < TRIES_MAX:
        made = make()
        filled.append(made)
        run = run + 1 if id(made) == last + size else 0
        last = id(made)
    return filled


def _maker(size: int) -> Callable[[], object]:
    if size < 48:
        return object if size == 16 else lambda: complex(len(_kept), 0.5)
    length = size - sys.getsizeof(b"")
    return lambda: bytes(length)
