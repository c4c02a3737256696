"""Devices of a line: one file, or one package, per kind, found by its place.

Each module has

- `KIND: str`, the word of `kind:` in `line.yaml`;
- `parse(text, name) -> Config`: the configuration as a student edits it; an empty text is the weak default.
  Raises InputError;
- `create(context, config) -> simulators.contracts.Device`;
- `SCHEMA`: the JSON Schema of the configuration for editors, None where the format is not YAML.

What a kind needs beside it and is not itself one starts with an underscore.
"""

import importlib
import pkgutil
from collections.abc import Iterable
from functools import cache
from importlib.util import find_spec
from types import ModuleType

from simulators.errors import InputError, NotFoundError

_REQUIRED = ("KIND", "parse", "create", "SCHEMA")


@cache
def kinds() -> dict[str, ModuleType]:
    """Kind → module, for every module of this folder.

    Raises:
        InputError: a module cannot be imported, or is not a device; names it.
    """
    return collect(__path__, __name__)


@cache
def kind(name: str) -> ModuleType:
    """The module of the devices of kind `name`; by the rule that it bears that name, only it is imported.

    Raises:
        NotFoundError: no such kind; says which there are.
    """
    if name.isidentifier() and not name.startswith("_") and find_spec(f"{__name__}.{name}") is not None:
        module = _load(f"{__name__}.{name}")
        if name == module.KIND:
            return module
    known = kinds()
    if name not in known:
        choices = ", ".join(sorted(known))
        raise NotFoundError(
            f"type d'équipement {name} inconnu ; choisissez parmi : {choices}",
            f"unknown kind of device {name}; choose one of: {choices}",
        )
    return known[name]


def collect(folders: Iterable[str], package: str) -> dict[str, ModuleType]:
    """Kind → module of every public module of `folders`, which are those of `package`."""
    found: dict[str, ModuleType] = {}
    for info in sorted(pkgutil.iter_modules(folders), key=lambda info: info.name):
        if info.name.startswith("_"):
            continue
        module = _load(f"{package}.{info.name}")
        if module.KIND in found:
            other = found[module.KIND].__name__
            raise InputError(
                f"{module.__name__} : KIND {module.KIND} est déjà celui de {other} ; changez l'un des deux",
                f"{module.__name__}: KIND {module.KIND} is already that of {other}; change one of them",
            )
        found[module.KIND] = module
    return found


def _load(name: str) -> ModuleType:
    try:
        module = importlib.import_module(name)
    except Exception as error:
        raise InputError(
            f"{name} ne s'importe pas ({type(error).__name__} : {error}) ; corrigez ce fichier",
            f"{name} cannot be imported ({type(error).__name__}: {error}); correct that file",
        ) from error
    lacking = ", ".join(word for word in _REQUIRED if not hasattr(module, word))
    if lacking:
        raise InputError(
            f"{name} n'est pas un équipement : il y manque {lacking}",
            f"{name} is not a device: it lacks {lacking}",
        )
    return module
