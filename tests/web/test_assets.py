"""The build hook: what it makes, and what it does where npm is missing."""

import gettext
import shutil
from pathlib import Path
from typing import Any

import pytest

import hatch_build

ROOT = Path(__file__).resolve().parents[2]


class Terminal:
    """Keeps what hatchling would print."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def display_warning(self, message: str) -> None:
        self.warnings.append(message)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """The parts of the project that the hook reads, without what it makes."""
    shutil.copytree(
        ROOT / "frontend", tmp_path / "frontend", ignore=shutil.ignore_patterns("node_modules", "dist")
    )
    shutil.copytree(
        ROOT / "web" / "translations",
        tmp_path / "web" / "translations",
        ignore=shutil.ignore_patterns("*.mo"),
    )
    return tmp_path


def hook(tree: Path) -> tuple[Any, Terminal]:
    terminal = Terminal()
    made: Any = hatch_build.CustomBuildHook(str(tree), {}, None, None, "", "wheel", terminal)  # type: ignore[arg-type]
    return made, terminal


def test_the_lock_file_names_no_registry() -> None:
    lock = (ROOT / "frontend" / "package-lock.json").read_text(encoding="utf-8")
    assert "resolved" not in lock
    assert "registry" not in lock
    assert lock.count('"integrity"') > 3


def test_without_npm_the_pages_still_come_with_their_words(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("USINE_ASSETS", "auto")
    made, terminal = hook(tree)
    assert made.dependencies() == [hatch_build.NODE_PACKAGE]
    made.initialize("standard", {})
    assert "draw their own charts" in terminal.warnings[0]
    with (tree / "web/translations/fr/LC_MESSAGES/messages.mo").open("rb") as file:
        assert gettext.GNUTranslations(file).gettext("Alarms") == "Alarmes"


def test_a_release_must_have_its_assets(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("USINE_ASSETS", "require")
    with pytest.raises(ImportError):
        hook(tree)[0].initialize("standard", {})


def test_skip_builds_nothing_and_asks_for_nothing(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("USINE_ASSETS", "skip")
    made, terminal = hook(tree)
    assert made.dependencies() == []
    made.initialize("standard", {})
    assert not terminal.warnings
    assert not hatch_build.vendor(tree).exists()


def test_a_mode_that_does_not_exist_is_refused(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("USINE_ASSETS", "maybe")
    with pytest.raises(ValueError, match="auto, require or skip"):
        hook(tree)[0].dependencies()


def test_assets_are_built_again_when_what_they_are_made_of_changes(tree: Path) -> None:
    assert not hatch_build.fresh(tree)
    place = hatch_build.vendor(tree)
    place.mkdir(parents=True)
    (place / "manifest.json").write_text(f'{{"stamp": "{hatch_build.stamp(tree)}"}}', encoding="utf-8")
    assert hatch_build.fresh(tree)
    (tree / "frontend" / "build.mjs").write_text("// other", encoding="utf-8")
    assert not hatch_build.fresh(tree)


@pytest.mark.skipif(
    not (ROOT / "web/static/vendor/xterm.mjs").exists(), reason="the bundle is not built here"
)
def test_the_terminal_s_bundle_keeps_to_the_policy_of_the_pages() -> None:
    bundle = (ROOT / "web/static/vendor/xterm.mjs").read_text(encoding="utf-8")
    assert bundle.count('createElement("style"),{nonce:') == bundle.count('createElement("style")') == 3
    assert 'setAttribute("style"' not in bundle
    licences = (ROOT / "web/static/vendor/THIRD_PARTY_LICENSES.txt").read_text(encoding="utf-8")
    assert "== @xterm/xterm " in licences
