"""The addresses that labs' networks are taken from: a block of the pool a lab, a subnet of it a network."""

import ipaddress
import itertools
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from simulators.errors import InputError, StartError
from simulators.model import Line

# Room for 1 024 labs of up to seven zones. No host gets an address or a route there.
DEFAULT_POOL = "10.192.0.0/11"
POOL_VARIABLE = "USINE_DOCKER_POOL"


class Pool:
    """Hands out blocks. `reserved` are those that were handed out and are not yet seen on the engine."""

    def __init__(self, pool: str) -> None:
        """Raises: InputError: it is no private IPv4 network."""
        try:
            self._pool = ipaddress.IPv4Network(pool)
        except ValueError as error:
            raise _no_pool(pool, str(error)) from error
        if not self._pool.is_private:
            raise _no_pool(pool, "not private")
        self._reserved: set[ipaddress.IPv4Network] = set()

    def take(
        self, line: Line, used: Iterable[str], former: Mapping[str, str] | None = None
    ) -> dict[str, str]:
        """A subnet for each zone, of the length that the line's own has, and one for `field`.

        `used` are the subnets that the engine has, `former` those that the lab would best have again.

        Raises:
            StartError: the pool has no free block left.
            InputError: a block is larger than the pool.
        """
        longest, block_length = self._lengths(line)
        taken = {ipaddress.IPv4Network(subnet) for subnet in used} | self._reserved
        for block in itertools.chain(
            self._again(former or {}, block_length), self._pool.subnets(new_prefix=block_length)
        ):
            if not any(block.overlaps(subnet) for subnet in taken):
                self._reserved.add(block)
                return _divided(line, block, longest)
        raise StartError(
            f"plus de sous-réseau libre dans {self._pool} ; arrêtez des labos (« lab stop ») ou donnez une réserve plus "
            f"grande : {POOL_VARIABLE}=10.128.0.0/9",
            f"no free subnet left in {self._pool}; stop labs ('lab stop') or give a larger pool: "
            f"{POOL_VARIABLE}=10.128.0.0/9",
        )

    def last(self, line: Line) -> dict[str, str]:
        """The block that labs come to last, always the same. Raises: InputError: it is larger than the pool."""
        longest, block_length = self._lengths(line)
        end = ipaddress.IPv4Address(int(self._pool.broadcast_address))
        return _divided(line, ipaddress.IPv4Network(f"{end}/{block_length}", strict=False), longest)

    def _lengths(self, line: Line) -> tuple[int, int]:
        """The prefix of a subnet, and of a lab's block. Raises: InputError: a block is larger than the pool."""
        longest, block_length = _lengths(line)
        if block_length < self._pool.prefixlen:
            raise InputError(
                f"{POOL_VARIABLE}={self._pool} est trop petit : un labo demande un bloc /{block_length} ; donnez par exemple "
                f"{DEFAULT_POOL}",
                f"{POOL_VARIABLE}={self._pool} is too small: a lab needs a /{block_length} block; give for example "
                f"{DEFAULT_POOL}",
            )
        return longest, block_length

    def _again(self, former: Mapping[str, str], block_length: int) -> Iterator[ipaddress.IPv4Network]:
        """The block that the lab had, if it is one of this pool."""
        for subnet in list(former.values())[:1]:
            block = ipaddress.IPv4Network(subnet).supernet(new_prefix=block_length)
            if block.subnet_of(self._pool):
                yield block

    def capacity(self, line: Line, used: Collection[str]) -> int:
        """How many labs of the line fit in what is free."""
        _longest, block_length = _lengths(line)
        if block_length < self._pool.prefixlen:
            return 0
        taken = [ipaddress.IPv4Network(subnet) for subnet in used]
        return sum(
            not any(block.overlaps(subnet) for subnet in taken)
            for block in self._pool.subnets(new_prefix=block_length)
        )

    def release(self, subnets: Iterable[str]) -> None:
        """They are seen on the engine now, or given up."""
        gone = [ipaddress.IPv4Network(subnet) for subnet in subnets]
        self._reserved = {block for block in self._reserved if not any(block.overlaps(g) for g in gone)}


def _lengths(line: Line) -> tuple[int, int]:
    """The prefix of the line's largest subnet, and of a block that has one for each zone and one for `field`."""
    longest = min(ipaddress.IPv4Network(zone.subnet).prefixlen for zone in line.zones)
    return longest, longest - len(line.zones).bit_length()


def _divided(line: Line, block: ipaddress.IPv4Network, length: int) -> dict[str, str]:
    pieces: Sequence[ipaddress.IPv4Network] = list(block.subnets(new_prefix=length))
    wanted = [ipaddress.IPv4Network(zone.subnet).prefixlen for zone in line.zones]
    zones = {
        zone.id: str(ipaddress.IPv4Network(f"{piece.network_address}/{own}"))
        for zone, piece, own in zip(line.zones, pieces, wanted, strict=False)
    }
    return {**zones, "field": str(pieces[-1])}


def _no_pool(pool: str, why: str) -> InputError:
    return InputError(
        f"{POOL_VARIABLE}={pool} : {why} ; donnez un réseau IPv4 privé, par exemple {DEFAULT_POOL}",
        f"{POOL_VARIABLE}={pool}: {why}; give a private IPv4 network, for example {DEFAULT_POOL}",
    )
