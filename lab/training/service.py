"""Puts the training side together, for the web process and the commands."""

import os
from collections.abc import Callable
from dataclasses import dataclass

from lab.labs import Labs
from lab.paths import Paths
from lab.runtimes.names import chosen_runtime
from lab.store.database import Database, database_url
from lab.store.migrations import upgrade
from lab.training import reaper, stock
from lab.training.classroom import TrainingClassroom
from lab.training.cohorts import TrainingCohorts
from lab.training.context import Context, server_secret
from lab.training.engine import Engine, ExerciseEngine
from lab.training.people import TrainingPeople
from lab.training.sittings import TrainingSittings

SWEEP_S = 15.0
STOCK_S = 20.0


@dataclass(frozen=True)
class Training:
    """Everything that pages and commands ask, over one database."""

    database: Database
    people: TrainingPeople
    sittings: TrainingSittings
    cohorts: TrainingCohorts
    classroom: TrainingClassroom
    context: Context

    def sweep(self) -> None:
        """Look after the labs once: see `lab.training.reaper`."""
        reaper.sweep(self.context)

    def keep_sweeping(self, every_s: float = SWEEP_S) -> Callable[[], None]:
        """Look after the labs in a thread of its own, until the function that is returned is called."""
        return reaper.keep_sweeping(self.context, every_s)

    def keep_stocking(self, every_s: float = STOCK_S) -> Callable[[], None]:
        """Play hidden runs ahead in a thread of its own, until the function that is returned is called."""
        return stock.keep_stocking(self.context, every_s)


def open_database(paths: Paths) -> Database:
    """The database of this user and environment, at its newest version. Raises: UsineError."""
    paths.prepare()
    database = Database(database_url(paths))
    upgrade(database)
    return database


def open_people(paths: Paths) -> TrainingPeople:
    """The accounts alone. Raises: UsineError: the database cannot be used."""
    return TrainingPeople(open_database(paths))


def open_training(paths: Paths, labs: Labs, engine: Engine | None = None) -> Training:
    """That of this user and environment. Raises: UsineError: no such runtime, or the database cannot be used."""
    runtime = chosen_runtime(os.environ)
    return training(open_database(paths), labs, engine or ExerciseEngine(), runtime)


def training(database: Database, labs: Labs, engine: Engine, runtime: str = "local") -> Training:
    """Over a database that is at its newest version; `runtime` carries the labs that it starts."""
    context = Context(database, labs, engine, server_secret(database), runtime=runtime)
    people = TrainingPeople(database)
    cohorts = TrainingCohorts(context, people)
    return Training(database, people, TrainingSittings(context), cohorts, TrainingClassroom(context), context)
