"""A sitting of Alice's, with its lab or without."""

import pytest

from lab.training.contract import Sitting
from tests.web.fake_training import ALICE, FakeSittings


@pytest.fixture
def sitting(sittings: FakeSittings) -> Sitting:
    """Opened; its lab does not run."""
    return sittings.open(ALICE, "opcua-fake")


@pytest.fixture
def running(sittings: FakeSittings, sitting: Sitting) -> Sitting:
    """The same with its lab."""
    return sittings.start_lab(sitting.id, ALICE)
