"""Benign confounders: one file each, `CONFOUNDER`, found by their place."""

import importlib
import pkgutil
from functools import cache

from lab.detection.stage import Confounder


@cache
def confounders() -> dict[str, Confounder]:
    """Every one by its id."""
    modules = sorted(pkgutil.iter_modules(__path__), key=lambda module: module.name)
    found: list[Confounder] = [importlib.import_module(f"{__name__}.{m.name}").CONFOUNDER for m in modules]
    return {confounder.id: confounder for confounder in found}
