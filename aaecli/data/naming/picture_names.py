"""What the name of a file says: a picture, one of a format that is not read, or nothing that a user put there."""

from __future__ import annotations

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
    ".tga", ".pcx", ".sgi", ".ras", ".xbm", ".xpm", ".dds", ".icns", ".qoi", ".pict", ".jbig2",
    # Measurements.
    ".exr", ".hdr", ".dcm", ".nii", ".fits", ".fit", ".czi", ".nd2", ".lif", ".svs",
))
"""Names of pictures in formats that are not read: a folder's are counted and named, never passed over in silence."""
_CLUTTER = frozenset((
    "__macosx", "@eadir", "#recycle", "$recycle.bin", "system volume information", "lost+found", "__pycache__",
    "thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r",
))
# fmt: on
LEFT_OUT_HINT = "Save them as PNG or JPEG."


def is_hidden(name: str) -> bool:
    """Tell whether a file or folder, by its own name, is one that no user put there: it is left out everywhere.

    Names that begin with a dot (``.DS_Store``, ``._a.png``, ``.ipynb_checkpoints``), and what macOS, Windows and
    network storage leave behind (``__MACOSX``, ``Thumbs.db``, ``desktop.ini``, ``@eaDir``, ``$RECYCLE.BIN``).
    """
    return (name.startswith(".") and name not in (".", "..")) or name.lower() in _CLUTTER


def suffix_of(name: str) -> str:
    """Give the ending of a name, in small letters and with its dot; empty where it has none."""
    return name[name.rfind(".") :].lower() if "." in name else ""


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
