"""Each need of so many labs beside what there is; pure."""

from dataclasses import dataclass

from lab.capacity.engine import EngineFacts
from lab.capacity.footprint import CONTAINERS, Footprint
from lab.capacity.machine import Machine
from lab.runtimes.docker.pool import POOL_VARIABLE
from simulators.model import Line
from simulators.text import Text

# For the system, the pages, the database and the engine; and for what a class does all at once.
RESERVE_MIB = 768.0
CPU_SHARE = 0.8
RESERVE_TASKS = 1000
# Entries of the ARP table that a lab with a container a device takes: twenty and some filled one of 1024.
NEIGHBOURS, RESERVE_NEIGHBOURS = 52, 100
NOTHING = Text(fr="", en="")


@dataclass(frozen=True)
class Need:
    """What labs need of one thing, and what there is of it, in `unit`; `remedy` is empty where there is enough."""

    subject: str
    needed: float
    there: float
    unit: str
    source: Text
    remedy: Text

    @property
    def enough(self) -> bool:
        return self.there >= self.needed


def judge(
    students: int, runtime: str, line: Line, takes: Footprint, machine: Machine, engine: EngineFacts | None
) -> list[Need]:
    """A lab a student, beside those that run already. `engine` is None where the runtime needs none."""
    needs = [_memory(students, takes, machine), _cpu(students, takes, machine)]
    if machine.tasks is not None:
        needs.append(_tasks(students, takes, machine.tasks))
    if runtime in CONTAINERS[:1] and machine.neighbours is not None:
        needs.append(_neighbours(students, machine.neighbours))
    if engine is not None:
        return [_engine(engine), *([] if engine.trouble else _of_engine(students, runtime, engine)), *needs]
    if machine.namespaces is not None:
        needs.append(_namespaces(students, line, machine.namespaces))
    return needs


def _need(subject: str, needed: float, there: float, unit: str, source: Text, remedy: Text) -> Need:
    return Need(
        subject, round(needed, 1), round(there, 1), unit, source, NOTHING if there >= needed else remedy
    )


def _engine(engine: EngineFacts) -> Need:
    if engine.trouble:
        return Need("engine", 1, 0, "", NOTHING, engine.trouble)
    about = f"Docker {engine.version}, cgroups v{engine.cgroups}, {engine.storage}"
    return Need("engine", 1, 1, "", Text(fr=about, en=about), NOTHING)


def _of_engine(students: int, runtime: str, engine: EngineFacts) -> list[Need]:
    current = sum(now for _name, _there, now in engine.images)
    missing = ", ".join(name for name, _there, now in engine.images if not now)
    remedy = Text(fr=f"à construire : {missing} ; « lab image »", en=f"to be built: {missing}; 'lab image'")
    needs = [_need("images", len(engine.images), current, "", NOTHING, remedy)]
    if runtime in CONTAINERS[:1]:
        larger = engine.pool_trouble or Text(
            fr=f"arrêtez des labos, ou donnez une réserve plus grande par {POOL_VARIABLE}",
            en=f"stop labs, or give a larger pool in {POOL_VARIABLE}",
        )
        needs.append(_need("subnets", students, engine.labs, "labs", NOTHING, larger))
    return needs


def _memory(students: int, takes: Footprint, machine: Machine) -> Need:
    needed = takes.fixed_mib + students * takes.memory_mib
    there = max(0.0, machine.memory_mib - RESERVE_MIB)
    fits = max(0, int((there - takes.fixed_mib) // takes.memory_mib))
    return _need("memory", needed, there, "MiB", takes.source, Text(
        fr=f"de la place pour {fits} labos ; libérez de la mémoire, ajoutez-en, ou prenez un runtime plus léger (local, "
        "docker-compact)",
        en=f"room for {fits} labs; free memory, add some, or take a lighter runtime (local, docker-compact)",
    ))  # fmt: skip


def _cpu(students: int, takes: Footprint, machine: Machine) -> Need:
    there = machine.cores * CPU_SHARE
    fits = int(there * 100 // takes.cpu_pct)
    return _need("cpu", students * takes.cpu_pct / 100, there, "cores", takes.cpu_source or takes.source, Text(
        fr=f"assez pour {fits} labos ; ajoutez des cœurs, ou prenez un runtime plus léger (local, docker-compact)",
        en=f"enough for {fits} labs; add cores, or take a lighter runtime (local, docker-compact)",
    ))  # fmt: skip


def _tasks(students: int, takes: Footprint, there: int) -> Need:
    needed = students * takes.tasks + RESERVE_TASKS
    return _need("processes", needed, there, "", takes.source, Text(
        fr="relevez les limites du noyau : sysctl kernel.pid_max et kernel.threads-max",
        en="raise the kernel's limits: sysctl kernel.pid_max and kernel.threads-max",
    ))  # fmt: skip


def _neighbours(students: int, there: int) -> Need:
    needed = students * NEIGHBOURS + RESERVE_NEIGHBOURS
    size, table = 1 << (needed - 1).bit_length(), "net.ipv4.neigh.default"
    command = f"sysctl -w {table}.gc_thresh3={size} {table}.gc_thresh2={size // 2}"
    return _need("neighbours", needed, there, "", NOTHING, Text(
        fr=f"le noyau n'a qu'une table ARP pour tous les conteneurs ; agrandissez-la : {command}",
        en=f"the kernel has one ARP table for all containers; make it larger: {command}",
    ))  # fmt: skip


def _namespaces(students: int, line: Line, there: int) -> Need:
    needed = students * (len(line.zones) + 1)
    return _need("namespaces", needed, there, "", NOTHING, Text(
        fr="relevez sysctl user.max_user_namespaces et user.max_net_namespaces, ou les labos tourneront à plat",
        en="raise sysctl user.max_user_namespaces and user.max_net_namespaces, or labs run flat",
    ))  # fmt: skip
