"""Pictures in tar and parquet files, for the tests."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from PIL import Image


def png(pixels: NDArray[np.uint8]) -> bytes:
    """Encode a picture."""
    body = io.BytesIO()
    Image.fromarray(pixels).save(body, "PNG", compress_level=1)
    return body.getvalue()


def tar_bytes(members: Mapping[str, bytes], form: int = tarfile.PAX_FORMAT) -> bytes:
    """Give a tar of regular files."""
    body = io.BytesIO()
    with tarfile.open(fileobj=body, mode="w", format=form) as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return body.getvalue()


def write_tar(path: Path, members: Mapping[str, bytes], form: int = tarfile.PAX_FORMAT) -> Path:
    """Write a tar of regular files."""
    path.write_bytes(tar_bytes(members, form))
    return path


def write_parquet(path: Path, members: Mapping[str, bytes | None], *, struct: bool = False, group: int = 1000) -> Path:
    """Write pictures and their names: columns ``image`` and ``id``, or one ``image`` of {bytes, path}."""
    if struct:
        kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
        cells = [{"bytes": data, "path": name} for name, data in members.items()]
        table = pa.table({"image": pa.array(cells, kind)})
    else:
        table = pa.table({"image": pa.array(members.values(), pa.binary()), "id": pa.array(members, pa.string())})
    pq.write_table(table, path, row_group_size=group)
    return path
