"""`--task`: which part of the work is whose."""

from __future__ import annotations

import pytest

from aaecli.errors import AaeError
from aaecli.scale.share import read_share


def test_the_parts_are_all_the_work_once():
    shares = [read_share(f"{index}/3") for index in range(3)]
    for number in range(20):
        assert sum(share.has(number) for share in shares) == 1
    assert [sum(map(share.has, range(20))) for share in shares] == [7, 7, 6]


@pytest.mark.parametrize("text", ["3/3", "0/0", "-1/3", "1", "1/", "/3", "1/2/3", "a/b", "٣/4", "1/9999999", ""])
def test_what_is_no_part_is_refused(text):
    with pytest.raises(AaeError):
        read_share(text)


@pytest.mark.parametrize(
    ("environment", "part"),
    [
        ({"SLURM_ARRAY_TASK_ID": "3", "SLURM_ARRAY_TASK_COUNT": "8"}, (3, 8)),
        ({"SLURM_ARRAY_TASK_ID": "8", "SLURM_ARRAY_TASK_COUNT": "8", "SLURM_ARRAY_TASK_MIN": "1"}, (7, 8)),
        ({"JOB_COMPLETION_INDEX": "0", "JOB_COMPLETIONS": "4"}, (0, 4)),
    ],
)
def test_schedulers_number_the_parts(environment, part):
    share = read_share("auto", environment)
    assert (share.index, share.count) == part
    assert next(iter(environment)) in share.source


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"JOB_COMPLETION_INDEX": "0"},
        {"SLURM_ARRAY_TASK_ID": "x", "SLURM_ARRAY_TASK_COUNT": "8"},
        {"SLURM_ARRAY_TASK_ID": "9", "SLURM_ARRAY_TASK_COUNT": "8", "SLURM_ARRAY_TASK_MIN": "1"},
        {"SLURM_ARRAY_TASK_ID": "0", "SLURM_ARRAY_TASK_COUNT": "8", "SLURM_ARRAY_TASK_MIN": "1"},
    ],
)
def test_half_a_number_is_refused(environment):
    with pytest.raises(AaeError):
        read_share("auto", environment)
