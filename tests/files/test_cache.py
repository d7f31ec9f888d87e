"""Where things are kept that can be made again."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from aaecli.config.image import Image
from aaecli.data.readers.image_folder.collection import load_collection
from aaecli.errors import AaeError
from aaecli.files.cache import cache_folder
from aaecli.files.writing import replacing
from tests.data.drawings import drawing, write_pictures


@pytest.mark.skipif(sys.platform != "linux", reason="other platforms find the home elsewhere")
def test_without_a_home_nothing_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import pwd

    def unknown(uid: int) -> None:
        raise KeyError(uid)

    for name in ("AAECLI_CACHE", "XDG_CACHE_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", unknown)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(AaeError, match="Cannot write"), replacing(cache_folder() / "x"):
        pass
    assert not list(tmp_path.iterdir())


def test_the_variable_goes_before_the_platforms_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AAECLI_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.delenv("AAECLI_CACHE")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert cache_folder().is_absolute()


def test_a_place_that_cannot_even_be_looked_at_is_no_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # As a home that may not be entered; whoever is root may enter any, so the name is one that no system takes.
    monkeypatch.setenv("AAECLI_CACHE", str(tmp_path / ("x" * 300)))
    with pytest.raises(AaeError, match="Cannot write"), replacing(cache_folder() / "x"):
        pass
    write_pictures(tmp_path, {f"own/{n}.png": drawing(n, n) for n in range(3)})
    assert len(load_collection(tmp_path / "own", Image()).train_image) == 3
