"""Where things are kept that can be made again."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path:
    """Where things are kept that can be made again: ``AAECLI_CACHE``, else the platform's place for them."""
    if named := os.environ.get("AAECLI_CACHE"):
        return Path(named)
    # Costs a few milliseconds that only folders of pictures need.
    from platformdirs import user_cache_path

    return user_cache_path("aaecli", appauthor=False)
