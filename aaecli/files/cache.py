"""The cache folder."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path:
    """Return the cache folder: ``AAECLI_CACHE``, else the platform's default.

    Where there is no such place, no file can be made in what is given.
    """
    if named := os.environ.get("AAECLI_CACHE"):
        return Path(named)
    # Costs a few milliseconds that only folders of pictures need.
    from platformdirs import user_cache_path

    # A service may run for nobody who has a home: platformdirs raises then, and older ones give `~` as it stands.
    nowhere = Path(os.devnull) / "aaecli"
    try:
        path = user_cache_path("aaecli", appauthor=False)
    except RuntimeError:
        return nowhere
    return path if path.is_absolute() else nowhere
