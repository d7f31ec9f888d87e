"""``aaecli doctor`` and ``export`` call nobody and leave nothing behind but the files that were asked for."""

from __future__ import annotations

import sys

from aaecli.checkpoint.file import save_model
from tests.export.test_onnx import make_model
from tests.small_models import shrunk
from tests.telemetry import COMMANDS, NO_SOCKETS, left_behind, run_alone


def test_nothing_is_left_in_the_home_and_nobody_is_called(tmp_path):
    # Its weights begin as the article's: that once loaded torch's compiler with the model.
    save_model(tmp_path / "model.pt", make_model(shrunk("tutorial")))
    filtered = NO_SOCKETS if sys.platform == "linux" else "import sys\n"
    done = run_alone(filtered + COMMANDS, ["doctor", "+", "export", "model.pt"], tmp_path)
    assert done.returncode == 0, done.stderr
    assert left_behind(tmp_path) == []
    assert sorted(path.name for path in (tmp_path / "exports").iterdir()) == ["decoder.onnx", "encoder.onnx"]
