"""Decoding picture files, whatever they are, without trusting any of them."""

from __future__ import annotations

from aaecli.data.decoding.decoders import Picture, decode_quickly


def decode(data: bytes, name: str) -> Picture:
    """Decode a picture, in another process where this one could be kept busy by it.

    Args:
        data: The bytes of the file.
        name: What to call it in an error.

    Raises:
        AaeError: It is no picture that can be decoded, is damaged, too large, or takes too long.
    """
    picture = decode_quickly(data, name)
    if picture is None:
        # Starting processes takes modules that most pictures do without.
        from aaecli.data.decoding.decoder_process import decode_apart

        picture = Picture(*decode_apart(data, name))
    return picture
