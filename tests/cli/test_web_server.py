"""What ``serve`` is given besides the model."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from aaecli.cli.web_server import check_pem, read_token
from aaecli.errors import AaeError


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "endless").symlink_to("/dev/zero")
    for name in ("pipe", "endless", "missing"):
        with pytest.raises(AaeError, match="key"):
            check_pem(tmp_path / name, "key")
        with pytest.raises(AaeError, match="token"):
            read_token(tmp_path / name)
    check_pem(None, "key")
