"""What the name of a file says: a picture, one of a format that is not read, or nothing that a user put there."""

from __future__ import annotations

import re
from collections.abc import Mapping

# fmt: off
SUFFIXES = frozenset((
    ".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".gif", ".webp", ".tif", ".tiff", ".bmp", ".dib",
    ".ppm", ".pgm", ".pbm", ".pnm", ".avif", ".ico", ".jp2", ".j2k", ".j2c", ".jpc", ".jpf", ".jpx",
))
"""Names that count as pictures in a folder; a file named outright is tried whatever its name."""
UNREAD_SUFFIXES = frozenset((
    # Photos of phones and cameras.
    ".heic", ".heif", ".hif", ".jxl", ".jxr", ".hdp", ".wdp", ".dng", ".cr2", ".cr3", ".crw", ".nef", ".nrw", ".arw",
    ".srf", ".sr2", ".raf", ".orf", ".rw2", ".pef", ".raw", ".3fr",
    # Drawings and documents.
    ".svg", ".svgz", ".pdf", ".ps", ".eps", ".ai", ".wmf", ".emf", ".psd", ".psb", ".xcf", ".kra", ".djvu", ".djv",
    # Pictures of old or rare programs.
    ".tga", ".icb", ".vda", ".vst", ".pcx", ".dcx", ".sgi", ".rgb", ".rgba", ".bw", ".ras", ".xbm", ".xpm", ".dds",
    ".icns", ".cur", ".qoi", ".pict", ".pct", ".jbig2", ".jb2", ".msp", ".im", ".blp", ".bufr", ".fli", ".flc",
    ".flif", ".bpg", ".pfm", ".pam", ".wbmp", ".jng", ".mng", ".ftc", ".ftu", ".gbr", ".pcd", ".pxr", ".psp",
    ".pspimage", ".iff", ".lbm", ".ora", ".clip", ".sai", ".cdr", ".afphoto",
    # Measurements and arrays.
    ".exr", ".hdr", ".dcm", ".dicom", ".nii", ".fits", ".fit", ".czi", ".nd2", ".lif", ".svs", ".npy", ".pgx", ".mat",
))
"""Names of pictures in formats that are not read: a folder's are counted and named, never passed over in silence."""
_CLUTTER = frozenset((
    "__macosx", "@eadir", "#recycle", "$recycle.bin", "system volume information", "lost+found", "__pycache__",
    "thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r",
))
_COMPANIONS = frozenset((
    ".txt", ".csv", ".tsv", ".json", ".jsonl", ".xml", ".md", ".rst", ".yml", ".yaml", ".toml", ".ini", ".cfg", ".log",
    ".html", ".htm", ".css", ".js", ".py", ".ipynb", ".pt", ".pth", ".onnx", ".npz", ".h5", ".pkl", ".zip", ".gz",
    ".tar", ".lock", ".xlsx", ".xls", ".ods", ".parquet", ".xmp", ".aae", ".thm", ".md5", ".sha256",
))
"""Names that pictures never have and that often lie beside them: such files are not looked into."""
_BEGINNINGS = re.compile(
    rb"\x89PNG\r\n|\xff\xd8\xff|GIF8[79]a|RIFF....WEBP|II\*\0|MM\0\*|....ftyp(avi[fs]|hei[cxm]|mif1)", re.DOTALL
)
# fmt: on
LEFT_OUT_HINT = "Save them as PNG or JPEG."
MISNAMED_HINT = "Give it the ending of its format, such as .png or .jpg."


def is_hidden(name: str) -> bool:
    """Tell whether a file or folder, by its own name, is one that no user put there: it is left out everywhere.

    Names that begin with a dot (``.DS_Store``, ``._a.png``, ``.ipynb_checkpoints``), and what systems and
    network storage leave behind (``~$a.png``, ``__MACOSX``, ``Thumbs.db``, ``desktop.ini``, ``@eaDir``).
    """
    return (name.startswith(".") and name not in (".", "..")) or is_clutter(name)


def is_clutter(name: str) -> bool:
    """Tell whether a file or folder is what macOS, Windows, an office program or network storage leave behind."""
    return name.lower() in _CLUTTER or name.startswith("~$")


def suffix_of(name: str) -> str:
    """Give the ending of a name, in small letters and with its dot; empty where it has none."""
    return name[name.rfind(".") :].lower() if "." in name else ""


def may_be_misnamed(suffix: str) -> bool:
    """Tell whether a file with an ending that is no picture's may be one all the same: `scan`, `photo.jpg_large`."""
    return suffix not in SUFFIXES | UNREAD_SUFFIXES | _COMPANIONS


def begins_as_picture(head: bytes) -> bool:
    """Tell by its first twelve bytes whether a file is a picture, whatever its name."""
    return _BEGINNINGS.match(head) is not None


def left_out(unread: Mapping[str, int]) -> str:
    """Say which pictures of a folder are left out, since their format is not read.

    Args:
        unread: Number of pictures by suffix, of those in ``UNREAD_SUFFIXES``; at least one.

    Returns:
        ``12 .heic files and 1 .svg file are left out``, without a full stop; ``LEFT_OUT_HINT`` says what to do.
    """
    parts = [f"{count:,} {suffix} file{'s' if count > 1 else ''}" for suffix, count in sorted(unread.items())]
    named = " and ".join(filter(None, (", ".join(parts[:-1]), parts[-1])))
    return f"{named} {'is' if sum(unread.values()) == 1 else 'are'} left out"
