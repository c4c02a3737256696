"""A file is there when it is whole; when it cannot be, nothing is left and what to do is said."""

from pathlib import Path

import pytest

from simulators.errors import InputError
from simulators.whole_file import check_place, whole_file
from tests.limits import small_files


def write(path: Path, text: str) -> None:
    with whole_file(path) as part, part.open("w", encoding="utf-8") as file:
        assert not path.exists() or path.read_text() != text
        file.write(text)


def test_a_file_takes_its_name_when_it_is_whole(tmp_path: Path) -> None:
    write(tmp_path / "out.csv", "a,b\n")
    assert [path.name for path in tmp_path.iterdir()] == ["out.csv"]
    assert (tmp_path / "out.csv").read_text() == "a,b\n"


@pytest.mark.parametrize("before", [None, "kept"])
def test_a_disk_that_takes_no_more_leaves_what_was_there_and_no_half_file(
    tmp_path: Path, before: str | None
) -> None:
    path = tmp_path / "out.csv"
    if before is not None:
        path.write_text(before)
    with small_files(100), pytest.raises(InputError) as caught:
        write(path, "x" * 10_000)
    assert "free some space or choose another folder" in caught.value.text.en
    assert "libérez de la place" in caught.value.text.fr
    assert {p.name: p.read_text() for p in tmp_path.iterdir()} == ({"out.csv": before} if before else {})


def test_a_block_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def fail() -> None:
        with whole_file(tmp_path / "out.csv") as part:
            part.write_text("half")
            raise RuntimeError("no more rows")

    with pytest.raises(RuntimeError):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_a_link_stays_one(tmp_path: Path) -> None:
    (tmp_path / "real.csv").write_text("old")
    (tmp_path / "link.csv").symlink_to("real.csv")
    write(tmp_path / "link.csv", "new")
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "real.csv").read_text() == "new"


def test_a_device_is_written_in_place_and_stays_one(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/dev/full")
    with pytest.raises(InputError, match="disque plein"), whole_file(tmp_path / "link") as part:
        part.write_text("x")
    assert Path("/dev/full").is_char_device()
    assert not Path("/dev/full.part").exists()


@pytest.mark.parametrize(
    ("place", "says"), [("", "it is a folder, not a file"), ("absent/out.csv", "no folder")]
)
def test_a_place_where_no_file_can_stand_is_known_beforehand(tmp_path: Path, place: str, says: str) -> None:
    with pytest.raises(InputError) as caught:
        check_place(tmp_path / place)
    assert says in caught.value.text.en
