"""What of plain data does not fit its type, in words for people: where it stands, what is expected there, what to do."""

import enum
import types
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec

from simulators.errors import InputError
from simulators.text import Text

T = TypeVar("T")
Pair = tuple[str, str]  # in French, in English
Place = tuple[str | int, ...]  # the keys and the indices that lead to a value

CORRECT = ("corrigez cette valeur", "correct that value")
SHOWN_CHARACTERS = 60
# What `msgspec` tells of a value as a whole: wrong in itself, or too deep to be looked at.
_REFUSED = (msgspec.ValidationError, RecursionError)


class UnfitError(ValueError):
    """Raised in the `__post_init__` of a spec whose fields contradict each other; `field` is the one to look at."""

    def __init__(self, what: Pair, remedy: Pair = CORRECT, field: str = "") -> None:
        super().__init__(*what)
        self.what, self.remedy, self.field = Text(*what), Text(*remedy), field


@dataclass(frozen=True)
class Misfit:
    """One thing that does not fit; with `key`, it is the key itself at the end of `place`, not its value."""

    place: Place
    what: Text
    remedy: Text
    key: bool = False

    @property
    def text(self) -> Text:
        """`what; remedy`."""
        return Text(
            fr=f"{self.what.fr} ; {self.remedy.fr}",
            en=f"{self.what.en}; {self.remedy.en}",
        )


def fitted(data: Any, kind: type[T], fr: str, en: str) -> T:
    """`data` as a `kind`; errors call it `fr` or `en`. Raises: InputError: names what does not fit."""
    try:
        return msgspec.convert(data, kind)
    except _REFUSED as error:
        raise unfit(data, kind, fr, en) from error


def decoded(body: bytes, kind: type[T], fr: str, en: str) -> T:
    """A JSON text as a `kind`. Raises: InputError: no JSON, or names what does not fit."""
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        raise unfit(msgspec.json.decode(body), kind, fr, en) from error
    except (msgspec.DecodeError, RecursionError) as error:
        raise InputError(
            f"{fr} : ce n'est pas du JSON ; envoyez un objet JSON",
            f"{en}: this is not JSON; send a JSON object",
        ) from error


def unfit(data: Any, kind: Any, fr: str, en: str) -> InputError:
    """The error about `data`, called `fr` or `en`, that is no `kind`."""
    found = misfit(data, kind)
    place = written(found.place, root="").removeprefix(".")
    fr, en = (f"{fr} : {place}", f"{en}: {place}") if place else (fr, en)
    error = InputError(f"{fr} : {found.text.fr}", f"{en}: {found.text.en}")
    error.at = found.place
    return error


def misfit(data: Any, kind: Any) -> Misfit:
    """The first thing that keeps `data` from being a `kind`."""
    try:
        return next(misfits(data, kind), _unexplained())
    except RecursionError:
        return _unexplained()


def misfits(data: Any, kind: Any, place: Place = ()) -> Iterator[Misfit]:
    """Each place of `data` that is no `kind` (a type that msgspec converts to): msgspec stops at the first."""
    try:
        msgspec.convert(data, kind)
    except _REFUSED as error:
        inner = list(_inside(data, kind, place))
        yield from inner or [_whole(data, kind, place, error)]


def written(place: Place, root: str = "$") -> str:
    """A place as errors write it: `$.devices[2].zone`."""
    return root + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place)


def expected(kind: Any) -> Pair:
    """What a type wants, as a noun: `a whole number from 1 to 9`."""
    base, meta = _split(kind)
    origin = get_origin(base)
    if origin in (Union, types.UnionType):
        words = dict.fromkeys(expected(arm) for arm in get_args(base) if arm is not type(None))
        return " ou ".join(fr for fr, _ in words), " or ".join(en for _, en in words)
    if listed := choices(base):
        return f"l'un de : {', '.join(listed)}", f"one of: {', '.join(listed)}"
    if base in (int, float):
        fr, en = ("un entier", "a whole number") if base is int else ("un nombre", "a number")
        return _ranged(meta, fr, en)
    if base is str:
        return _text(meta)
    if origin in (list, tuple, set, frozenset) or base in (list, tuple):
        return _long(_lengths(base, meta), ("une liste", "a list"), ("valeurs", "values"))
    if origin is dict or base is dict or _is_struct(base):
        return "des clés et leurs valeurs", "keys with their values"
    if base is bool:
        return "true ou false", "true or false"
    return ("rien", "nothing") if base is type(None) else ("une autre valeur", "another value")


def choices(kind: Any) -> list[str]:
    """The values that a type allows, where it lists them."""
    base, _meta = _split(kind)
    if get_origin(base) is Literal:
        return [_plain(value) for value in get_args(base)]
    if isinstance(base, type) and issubclass(base, enum.Enum):
        return [_plain(member.value) for member in base]
    return []


def _inside(data: Any, kind: Any, place: Place) -> Iterator[Misfit]:
    """What of the parts of `data` does not fit those of `kind`."""
    kind = _arm(kind, data)
    origin = get_origin(kind)
    if isinstance(kind, _Tagged):
        yield kind.misfit(data, place)
    if isinstance(data, dict) and _is_struct(kind):
        yield from _struct(data, kind, place)
    elif isinstance(data, list) and origin in (list, set, frozenset):
        for number, item in enumerate(data):
            yield from misfits(item, get_args(kind)[0], (*place, number))
    elif isinstance(data, list) and origin is tuple:
        for number, (item, of_item) in enumerate(zip(data, _items(kind, len(data)), strict=False)):
            yield from misfits(item, of_item, (*place, number))
    elif isinstance(data, dict) and origin is dict:
        name_kind, value_kind = get_args(kind)
        for name, value in data.items():
            here = (*place, str(name))
            for found in misfits(name, name_kind):
                yield Misfit(here, _prefixed("clé", "key", found.what), found.remedy, key=True)
            yield from misfits(value, value_kind, here)


def _struct(data: dict[Any, Any], kind: Any, place: Place) -> Iterator[Misfit]:
    hints = get_type_hints(kind, include_extras=True)
    fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    for name, field in fields.items():
        if name in data:
            yield from misfits(data[name], hints[field.name], (*place, name))
        elif field.required:
            yield _missing(kind, name, place)
    if kind.__struct_config__.forbid_unknown_fields:
        tag = kind.__struct_config__.tag_field
        for name in data:
            if name not in fields and name != tag:
                yield _unknown(str(name), list(fields), place)


def _unknown(name: str, known: list[str], place: Place) -> Misfit:
    # Here, for most data fits.
    import difflib

    near = difflib.get_close_matches(name, known, 1)
    fr, en = (f"peut-être « {near[0]} » ? ", f"perhaps '{near[0]}'? ") if near else ("", "")
    allowed = ", ".join(known) or "–"
    remedy = Text(fr=f"{fr}clés permises : {allowed}", en=f"{en}keys allowed: {allowed}")
    return Misfit((*place, name), Text(fr="clé inconnue", en="unknown key"), remedy, key=True)


def _missing(kind: Any, name: str, place: Place) -> Misfit:
    if kind is Text:
        what = Text(fr=f"traduction « {name} » absente", en=f"translation '{name}' is missing")
        return Misfit(place, what, Text(fr="écrivez-la", en="write it"))
    what = Text(fr=f"« {name} » manque", en=f"'{name}' is missing")
    return Misfit(place, what, Text(fr="ajoutez cette clé", en="add that key"))


def _whole(data: Any, kind: Any, place: Place, error: BaseException) -> Misfit:
    """A value whose parts fit and that does not."""
    cause = error.__cause__
    if isinstance(cause, UnfitError):
        here = (*place, cause.field) if cause.field else place
        return Misfit(here, cause.what, cause.remedy)
    if isinstance(cause, ValueError):
        return Misfit(place, Text(fr=str(cause), en=str(cause)), Text(*CORRECT))
    if isinstance(error, RecursionError):
        return _unexplained(place)
    fr, en = _shown(data)
    if listed := _choices_of_all(kind):
        return _unlisted(place, fr, en, listed)
    wanted = expected(kind)
    what = Text(fr=f"il faut {wanted[0]}, et non {fr}", en=f"expected {wanted[1]}, not {en}")
    return Misfit(place, what, Text(*CORRECT))


def _unlisted(place: Place, fr: str, en: str, allowed: list[str]) -> Misfit:
    what = Text(fr=f"{fr} ne convient pas", en=f"{en} does not fit")
    known = ", ".join(allowed)
    return Misfit(place, what, Text(fr=f"choisissez parmi : {known}", en=f"choose one of: {known}"))


def _unexplained(place: Place = ()) -> Misfit:
    return Misfit(place, Text(fr="forme inattendue", en="unexpected shape"), Text(*CORRECT))


def _prefixed(fr: str, en: str, text: Text) -> Text:
    return Text(fr=f"{fr} : {text.fr}", en=f"{en}: {text.en}")


def _choices_of_all(kind: Any) -> list[str]:
    """The values allowed by a type whose every arm lists them."""
    base, _meta = _split(kind)
    arms = get_args(base) if get_origin(base) in (Union, types.UnionType) else (base,)
    found = [choices(arm) for arm in arms if arm is not type(None)]
    return [value for values in found for value in values] if all(found) else []


def _split(kind: Any) -> tuple[Any, list[msgspec.Meta]]:
    """A type without its constraints, and these."""
    if get_origin(kind) is Annotated:
        base, *rest = get_args(kind)
        inner, more = _split(base)
        return inner, [*more, *(each for each in rest if isinstance(each, msgspec.Meta))]
    return kind, []


@dataclass(frozen=True)
class _Tagged:
    """Structs told apart by the value of one field, of which data has none."""

    field: str
    tags: list[str]

    def misfit(self, data: dict[Any, Any], place: Place) -> Misfit:
        if self.field not in data:
            return _missing(None, self.field, place)
        fr, en = _shown(data[self.field])
        return _unlisted((*place, self.field), fr, en, self.tags)


def _arm(kind: Any, data: Any) -> Any:
    """The one type of a union that `data` has the outer shape of; any other type without its constraints."""
    base, _meta = _split(kind)
    if get_origin(base) not in (Union, types.UnionType):
        return base
    alike = [arm for arm in (_split(arm)[0] for arm in get_args(base)) if _alike(arm, data)]
    if len(alike) < 2 or not all(_is_struct(arm) for arm in alike):
        return alike[0] if len(alike) == 1 else None
    tags = {arm.__struct_config__.tag: arm for arm in alike}
    field = str(alike[0].__struct_config__.tag_field)
    # What was written there may be anything, a list too.
    tag = data.get(field)
    named = tags.get(tag) if isinstance(tag, (str, int)) else None
    return named or _Tagged(field, [str(tag) for tag in tags])


def _alike(kind: Any, data: Any) -> bool:
    if isinstance(data, dict):
        return _is_struct(kind) or get_origin(kind) is dict
    return isinstance(data, list) and get_origin(kind) in (list, tuple, set, frozenset)


def _is_struct(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def _items(kind: Any, count: int) -> Iterable[Any]:
    """The type of each of a tuple's `count` items."""
    arms = get_args(kind)
    return (arms[0],) * count if len(arms) == 2 and arms[1] is Ellipsis else arms


def _lengths(kind: Any, meta: list[msgspec.Meta]) -> tuple[int | None, int | None]:
    arms = get_args(kind)
    if get_origin(kind) is tuple and Ellipsis not in arms:
        return len(arms), len(arms)
    return _constraint(meta, "min_length"), _constraint(meta, "max_length")


def _constraint(meta: list[msgspec.Meta], name: str) -> Any:
    return next((value for each in meta if (value := getattr(each, name)) is not None), None)


def _text(meta: list[msgspec.Meta]) -> Pair:
    lengths = _constraint(meta, "min_length"), _constraint(meta, "max_length")
    fr, en = _long(lengths, ("un texte", "a text"), ("signes", "characters"))
    pattern = _constraint(meta, "pattern")
    return (f"{fr} de la forme {pattern}", f"{en} of the form {pattern}") if pattern else (fr, en)


def _long(lengths: tuple[int | None, int | None], of: Pair, unit: Pair) -> Pair:
    low, high = lengths
    if low is None and high is None:
        return of
    if 1 in (low, high) and (low is None or high is None or low == high):
        unit = unit[0].removesuffix("s"), unit[1].removesuffix("s")
    if low == high:
        return f"{of[0]} de {low} {unit[0]}", f"{of[1]} of {low} {unit[1]}"
    if low is None:
        return f"{of[0]} d'au plus {high} {unit[0]}", f"{of[1]} of at most {high} {unit[1]}"
    if high is None:
        return f"{of[0]} d'au moins {low} {unit[0]}", f"{of[1]} of at least {low} {unit[1]}"
    return f"{of[0]} de {low} à {high} {unit[0]}", f"{of[1]} of {low} to {high} {unit[1]}"


def _ranged(meta: list[msgspec.Meta], fr: str, en: str) -> Pair:
    low, high = _constraint(meta, "ge"), _constraint(meta, "le")
    if low is not None and high is not None:
        return f"{fr} de {low:g} à {high:g}", f"{en} from {low:g} to {high:g}"
    bounds = (
        (low, "d'au moins", "of at least"), (_constraint(meta, "gt"), "plus grand que", "above"),
        (high, "d'au plus", "of at most"), (_constraint(meta, "lt"), "plus petit que", "below"),
    )  # fmt: skip
    given = [(f"{words_fr} {value:g}", f"{words_en} {value:g}") for value, words_fr, words_en in bounds
             if value is not None]  # fmt: skip
    if not given:
        return fr, en
    return f"{fr} {' et '.join(each for each, _ in given)}", f"{en} {' and '.join(each for _, each in given)}"


def _shown(data: Any) -> Pair:
    if data is None:
        return "rien", "nothing"
    if isinstance(data, list | tuple):
        return (
            (f"une liste de {len(data)}", f"a list of {len(data)}")
            if data
            else ("une liste vide", "an empty list")
        )
    if isinstance(data, dict):
        return "des clés", "keys"
    if isinstance(data, str):
        cut = data if len(data) <= SHOWN_CHARACTERS else data[:SHOWN_CHARACTERS] + "…"
        return f"« {cut} »", f"'{cut}'"
    return _plain(data), _plain(data)


def _plain(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)[:SHOWN_CHARACTERS]
