"""What is normal for this machine: centre and spread of a feature, learnt from its first windows."""

from collections.abc import Sequence
from statistics import fmean, median, pstdev

import msgspec

# A spread of nothing would make every later window an exception.
_LEAST_SHARE, _LEAST = 1e-3, 1e-6


class Normal(msgspec.Struct, frozen=True):
    """Centre and standard deviation of a feature of a machine in good order, over `windows` of them."""

    mean: float
    sigma: float
    windows: int

    def score(self, value: float) -> float:
        """How many standard deviations above the centre."""
        return (value - self.mean) / self.sigma


def learn(values: Sequence[float], robust: bool = True) -> Normal:
    """Mean and standard deviation, or median and 1.4826·MAD, which a few odd windows do not move (Huber 1981)."""
    if robust:
        mean = median(values)
        sigma = 1.4826 * median(abs(value - mean) for value in values)
    else:
        mean, sigma = fmean(values), pstdev(values)
    return Normal(mean, max(sigma, _LEAST_SHARE * abs(mean), _LEAST), len(values))
