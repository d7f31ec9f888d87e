"""From the bytes of a picture file to pixels, in bounded time and memory."""
