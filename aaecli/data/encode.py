"""Pictures as the bytes of a file, which names aaecli as its maker."""

from __future__ import annotations

import io
from typing import Any

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from aaecli.files.own_files import NAME


def encode_picture(image: Image.Image, form: str = "PNG", comment: str = "", **options: Any) -> bytes:
    """Encode a picture; a PNG or GIF says that aaecli made it, so that `aaecli.files.own_files` knows it again.

    Args:
        image: The picture.
        form: A format of Pillow's.
        comment: What a PNG says besides.
        options: What Pillow takes for it.
    """
    if form == "PNG":
        text = PngInfo()
        text.add_text("Software", NAME)
        if comment:
            text.add_text("Comment", comment)
        options["pnginfo"] = text
    elif form == "GIF":
        options["comment"] = NAME.encode()
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()
