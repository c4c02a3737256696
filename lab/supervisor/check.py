"""Whether the supervisor of this user answers: `python -m lab.supervisor.check`, for a container's health."""

import sys

from lab.connection import SupervisorClient
from lab.paths import default_paths

if __name__ == "__main__":
    sys.exit(0 if SupervisorClient(default_paths()).running() else 1)
