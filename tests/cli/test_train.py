"""`aaecli train` as it is typed: streams, exit codes, settings, and what Ctrl-C leaves behind."""

from __future__ import annotations

import json
import os
import pty
import signal
import threading
import time
import tomllib

import pytest
import tomli_w

from aaecli.cli import main
from aaecli.config.effective import inert
from aaecli.config.resolve import resolve
from tests import processes

SMALL = """
preset = "default"
[network]
encoder = "mlp"
discriminator_hidden = [8]
style_dim = 3
[network.encoder_options]
hidden = [16, 12]
batch_norm = true
[network.decoder_options]
hidden = [12]

[schedule]
steps = 6
batch_size = 10
labelled_batch_size = 4
"""


def small_settings(model):
    """Give those of the small settings that act in a model, as TOML."""
    vain, table = inert(resolve(flags={"model": model}, preset="default")), tomllib.loads(SMALL)
    named = {"preset": table.pop("preset")}
    acting = {
        section: {
            key: value
            for key, value in part.items()
            if not any(f"{name}.".startswith(f"{section}.{key}.") for name in vain)
        }
        for section, part in table.items()
    }
    return tomli_w.dumps(named | acting)


@pytest.fixture
def here(in_empty_folder, write_dataset):
    write_dataset("here/data", train=tuple(range(4)) * 9, test=tuple(range(4)) * 2)
    (in_empty_folder / "small.toml").write_text(SMALL)
    return in_empty_folder


def aaecli(*words):
    with pytest.raises(SystemExit) as left:
        main([str(word) for word in words])
    return left.value.code


def train(*words):
    return aaecli("train", "--data", "data", "--labels", "8", "--device", "cpu", "--config", "small.toml", *words)


def test_results_on_stdout_and_talk_on_stderr(here, capsys):
    assert train() == 0
    out, err = capsys.readouterr()
    assert out.startswith("test accuracy")
    assert "95 % interval" in out
    assert "runs/semisupervised-8-001" in out
    assert [line.split(",")[0] for line in err.splitlines() if line.startswith("epoch")] == [
        *("epoch 0.333", "epoch 0.667", "epoch 1"),
        *("epoch 1.33", "epoch 1.67", "epoch 2"),
    ]
    assert err.splitlines()[-1] == "Next: `aaecli eval model.pt`"
    assert (here / "model.pt").is_file()


def test_json_is_one_object_and_quiet_is_silent(here, capsys):
    assert train("--json", "--quiet") == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert out.count("\n") == 1
    assert json.loads(out) == json.loads((here / "runs/semisupervised-8-001/summary.json").read_text())


def test_the_run_goes_where_it_is_told(here, capsys):
    (here / "small.toml").write_text(
        'preset = "tutorial"\n[network.encoder_options]\nhidden = [16, 12]\n[schedule]\nsteps = 6\nbatch_size = 10\n'
    )
    assert train("--out", "elsewhere", "--name", "mine", "--model", "baseline") == 0
    assert (here / "elsewhere/mine-001/model.pt").is_file()
    assert not (here / "runs").exists()


def test_print_config_prints_toml_that_config_reads_back(here, capsys):
    flags = ("--seed", "3", "--lr", "0.5", "--epochs", "2", "--batch-size", "20", "--style-dim", "5")
    assert train("--print-config", *flags) == 0
    printed = capsys.readouterr().out
    table = tomllib.loads(printed)
    assert table["seed"] == 3
    assert table["labels"] == 8
    assert table["optimiser"]["lr"] == 0.5
    assert (table["schedule"]["epochs"], table["schedule"]["steps"]) == (2, 0)
    assert table["schedule"]["batch_size"] == 20
    assert table["network"]["style_dim"] == 5
    assert table["network"]["encoder_options"]["hidden"] == [16, 12]
    (here / "again.toml").write_text(printed)
    assert aaecli("train", "--config", "again.toml", "--print-config") == 0
    assert capsys.readouterr().out == printed
    assert not (here / "runs").exists()


def test_flags_go_before_variables_before_the_file_before_the_preset(here, capsys, monkeypatch):
    def seed_and_rate(*words):
        assert aaecli("train", "--print-config", *words) == 0
        table = tomllib.loads(capsys.readouterr().out)
        return table["seed"], table["optimiser"]["lr"]

    (here / "mine.toml").write_text("seed = 1\n[optimiser]\nlr = 0.1\n")
    preset = seed_and_rate()
    assert preset[0] == 0
    assert seed_and_rate("--config", "mine.toml") == (1, 0.1)
    monkeypatch.setenv("AAECLI_SEED", "2")
    assert seed_and_rate("--config", "mine.toml") == (2, 0.1)
    assert seed_and_rate("--config", "mine.toml", "--seed", "3", "--lr", "0.3") == (3, 0.3)


def test_the_baseline_takes_the_articles_settings_unless_told(here, capsys):
    assert aaecli("train", "--model", "baseline", "--print-config") == 0
    table = tomllib.loads(capsys.readouterr().out)
    assert (table["preset"], table["schedule"]["steps"]) == ("tutorial", 500)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--labels", "many"), 2, "neither a whole number nor 'all'"),
        (("--labels", "3"), 1, "does not fit"),
        (("--labels", "0"), 1, "labels must be"),
        (("--model", "gan"), 2, "gan"),
        (("--device", "tpu"), 2, "tpu"),
        (("--preset", "tutoral"), 1, "Did you mean 'tutorial'?"),
        (("--config", "none.toml"), 1, "none.toml"),
        (("--steps", "1", "--epochs", "1"), 1, "both give the length"),
        (("--steps", "-1"), 2, "--steps"),
        (("--lr", "0"), 1, "optimiser.lr must be more than 0"),
        (("--batch-size", "1"), 1, "schedule.batch_size must be at least 2"),
        (("--name", "a/b"), 1, "is not a name"),
        (("--data", "nowhere"), 1, "nowhere does not exist"),
        (("--save-every", "often"), 1, "neither a number of steps nor a time"),
        (("--resume",), 1, "--labels cannot be given with --resume"),
        (("runs/some-001",), 2, "--resume RUN"),
        (("--out", "small.toml"), 1, "small.toml"),
        (("--stepps", "1"), 2, "--steps"),
    ],
)
def test_mistakes_are_named_with_their_remedy(here, capsys, words, code, said):
    assert train(*words) == code
    out, err = capsys.readouterr()
    assert said in " ".join(err.split())
    assert "Traceback" not in err
    assert out == ""


def test_what_cannot_be_resumed(here, capsys):
    assert aaecli("train", "--resume", "nowhere") == 1
    assert "not the folder of a run" in capsys.readouterr().err
    assert aaecli("train", "--resume") == 1
    assert "No training in runs has stopped before its end" in capsys.readouterr().err


def test_a_misspelt_setting_in_a_file_gets_the_right_one(here, capsys):
    (here / "small.toml").write_text("[optimiser]\nlearning_rate = 1\nbeta = 1\n")
    assert train() == 1
    assert "There is no setting 'optimiser.learning_rate'" in capsys.readouterr().err


def start(here, **options):
    (here / "small.toml").write_text(SMALL + "validate_every = 20\n")
    words = ["train", "--data", "data", "--labels", "8", "--config", "small.toml", "--steps", "20000"]
    return processes.start(words, here, here.parent / "notes", **options)


def wait_for(condition, started):
    deadline = time.monotonic() + processes.PATIENCE
    while not condition():
        assert started.process.exitcode is None, "the training ended by itself"
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_stops_after_the_step_and_says_how_to_go_on(here, number, code):
    started = start(here)
    run = here / "runs/semisupervised-8-001"
    wait_for((run / "metrics.csv").exists, started)
    started.kill(number)
    outcome = started.wait()
    assert outcome.code == code
    assert outcome.out == ""
    assert f"To continue: `aaecli train --resume {run.relative_to(here)}`" in outcome.err
    assert "Traceback" not in outcome.err
    steps = (run / "last.pt").read_bytes()
    assert steps
    assert not (run / "summary.json").exists()


def test_on_a_terminal_the_training_is_shown_live(here):
    leader, follower = pty.openpty()
    environment = {"TERM": "xterm-256color", "COLUMNS": "100", "LINES": "30"}
    started = start(here, environment=environment, terminal=os.ttyname(follower))
    shown = bytearray()

    def read():
        while True:
            try:
                part = os.read(leader, 4096)
            except OSError:  # the other end is closed
                return
            if not part:
                return
            shown.extend(part)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    wait_for(lambda: b"validation accuracy" in shown and b" left" in shown, started)
    started.kill(signal.SIGINT)
    assert started.wait().code == 130
    os.close(follower)
    reader.join(processes.PATIENCE)
    os.close(leader)
    screen = shown.decode()
    for word in ("steps", "left", "images a second", "reconstruction", "consistency"):
        assert word in screen
    # The cursor, hidden while the display lives, is shown again.
    assert screen.rindex("\x1b[?25h") > screen.rindex("\x1b[?25l")


def test_a_setting_that_has_no_effect_is_refused_and_not_printed(here, capsys, monkeypatch):
    assert aaecli("train", "--clusters", 30, "--print-config") == 1
    assert "clusters has no effect in a model other than clustering." in capsys.readouterr().err
    monkeypatch.setenv("AAECLI_STYLE_DIM", "4")
    assert aaecli("train", "--model", "baseline", "--print-config") == 1
    assert "network.style_dim has no effect" in capsys.readouterr().err
    assert aaecli("train", "--print-config") == 0
    table = tomllib.loads(capsys.readouterr().out)
    assert "clusters" not in table
    assert "channels" not in table["network"]


def test_the_number_of_threads_is_the_users(here, capsys, monkeypatch):
    import torch

    before, used = torch.get_num_threads(), []
    monkeypatch.setattr(torch, "set_num_threads", used.append)
    assert train("--threads", 3, "--steps", 1, "--quiet") == 0
    assert used == [3]
    assert train("--threads", 0) == 2
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert train("--steps", 1, "--quiet") == 0
    assert used == [3, min(1, before)]
    assert aaecli("eval", "--data", "data", "--threads", 2, "--json") == 0
    assert used[2:] == [2]


def test_a_start_and_another_data_set_beside(here, write_dataset, capsys):
    assert train("--quiet", "--json") == 0
    first = json.loads(capsys.readouterr().out)
    write_dataset("here/other", train=(3, 4) * 40, test=(3, 4) * 2)
    words = ("--data", "data", "--labels", "8", "--device", "cpu", "--steps", "4", "--batch-size", "10")
    assert aaecli("train", *words, "--start", first["run"], "--with", "other") == 0
    out = capsys.readouterr().out
    assert "beside it" in out
    assert "validation images of other" in out
    second = json.loads((here / "runs/semisupervised-8-002/summary.json").read_text())
    assert second["preset"] == "fine-tune"
    assert second["start"] == first["run"]
    assert second["num_classes"] == 5
    assert aaecli("train", *words, "--start", first["run"], "--style-dim", "4") == 1
    assert "network.style_dim is 4" in capsys.readouterr().err
    assert aaecli("export", "--onnx", "model.pt", "--card", "--quiet") == 0
    card = (here / "exports/README.md").read_text()
    assert f"started from the weights of `{first['run']}`" in card
    assert "50% of each batch were images of `other`" in card
