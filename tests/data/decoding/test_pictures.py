"""Pictures of every kind are found and decoded; damaged, hostile and unreadable ones end in one sentence."""

from __future__ import annotations

import io
import struct
import tracemalloc
import zlib

import numpy as np
import pytest
from PIL import Image

from aaecli.data.decoding import decoders, pictures
from aaecli.errors import AaeError
from tests.data import stubborn


def decode(data, name):
    """Give the pixels of a picture of one page."""
    picture = pictures.decode(data, name)
    assert picture.num_pages == 1
    return picture.pixels


RAMP = np.tile(np.linspace(0, 255, 40).astype(np.uint8), (30, 1))


def file_of(image, suffix, **options):
    buffer = io.BytesIO()
    image.save(buffer, suffix, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "P", "CMYK", "I;16", "I", "F"])
def test_every_mode_shows_the_same_picture(mode):
    image = Image.fromarray(RAMP)
    if mode in ("I;16", "I"):
        image = Image.fromarray(RAMP.astype(np.uint16) * 257)
        image = image if mode == "I;16" else image.convert("I")
    elif mode == "F":
        image = Image.fromarray(RAMP.astype(np.float32) / 255)
    else:
        image = image.convert(mode)
    pixels = decode(file_of(image, "TIFF"), "x")
    assert pixels.shape == RAMP.shape
    assert np.abs(pixels.astype(int) - RAMP).max() <= 1


def test_one_bit_picture():
    pixels = decode(file_of(Image.fromarray(RAMP > 100), "PNG"), "x")
    assert np.array_equal(pixels, np.where(RAMP > 100, 255, 0))


@pytest.mark.parametrize("suffix", ["PNG", "JPEG", "GIF", "WEBP", "TIFF", "BMP", "PPM", "AVIF", "JPEG2000", "ICO"])
def test_every_format(suffix):
    options = {"sizes": [(40, 30)]} if suffix == "ICO" else {}
    pixels = decode(file_of(Image.fromarray(RAMP).convert("RGB"), suffix, **options), "x")
    grey = pixels if pixels.ndim == 2 else pixels[..., 1]
    assert np.abs(grey.astype(int) - RAMP).mean() < 4


def test_colour_is_kept_and_grey_rgb_is_one_channel():
    red = decode(file_of(Image.new("RGB", (5, 4), (200, 10, 10)), "PNG"), "x")
    assert red.shape == (4, 5, 3)
    assert np.array_equal(decode(file_of(Image.fromarray(RAMP).convert("RGB"), "PNG"), "x"), RAMP)


def test_transparent_parts_are_white_paper():
    image = Image.new("RGBA", (10, 10), (0, 0, 0, 0))
    image.paste((0, 0, 0, 255), (3, 3, 6, 6))
    pixels = decode(file_of(image, "PNG"), "x")
    assert pixels[0, 0] == 255
    assert pixels[4, 4] == 0


def test_white_drawing_on_nothing_is_not_lost():
    image = Image.new("RGBA", (10, 10), (0, 0, 0, 0))
    image.paste((255, 255, 255, 255), (3, 3, 6, 6))
    pixels = decode(file_of(image, "PNG"), "x")
    assert pixels[0, 0] == 0
    assert pixels[4, 4] == 255


def test_pale_colour_on_nothing_is_not_lost():
    image = Image.new("RGBA", (10, 10), (0, 0, 0, 0))
    image.paste((255, 255, 120, 255), (3, 3, 6, 6))
    pixels = decode(file_of(image, "PNG"), "x")
    assert pixels[0, 0].tolist() == [0, 0, 0]
    assert pixels[4, 4].tolist() == [255, 255, 120]


@pytest.mark.parametrize("shade", [0, 255])
def test_nothing_at_all_is_white_paper(shade):
    assert (decode(file_of(Image.new("RGBA", (10, 10), (shade, shade, shade, 0)), "PNG"), "x") == 255).all()


def test_transparent_colour_of_a_grey_png():
    image = Image.fromarray(np.where(RAMP > 100, 7, 0).astype(np.uint8))
    pixels = decode(file_of(image, "PNG", transparency=7), "x")
    assert pixels[RAMP > 100].min() == 255


def test_first_frame_of_an_animation():
    frames = [Image.new("L", (8, 8), grey) for grey in (10, 200)]
    for suffix in ("GIF", "PNG", "WEBP", "TIFF", "AVIF"):
        data = file_of(frames[0], suffix, save_all=True, append_images=frames[1:])
        pixels, num_pages = pictures.decode(data, "x")
        assert num_pages == 2
        assert np.abs(pixels.astype(int) - 10).max() <= 2


def test_exif_turns_a_png_too():
    exif = Image.Exif()
    exif[0x0112] = 6
    for mode in ("L", "RGB", "RGBA", "I;16"):
        image = Image.fromarray(RAMP.astype(np.uint16) * 257) if mode == "I;16" else Image.fromarray(RAMP).convert(mode)
        pixels = decode(file_of(image, "PNG", exif=exif), "x")
        assert np.array_equal(pixels, np.rot90(RAMP, -1))


def test_large_jpeg_is_shrunk_while_it_is_decoded():
    data = file_of(Image.new("L", (6000, 4000), 128), "JPEG")
    tracemalloc.start()
    pixels = decode(data, "x")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert max(pixels.shape) <= 2 * decoders.WORKING_SIZE
    assert peak < 30e6
    # The decoder's own memory is not traced: it is to give fewer pixels, not to have them thrown away.
    image = decoders._open(data, "JPEG")
    decoders._check_size(image, "x")
    assert image.size == (3000, 2000)


def png_header_of(width, height):
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunk = b"IHDR" + header
    body = zlib.compress(b"\0" * 1000)
    return (
        b"\x89PNG\r\n\x1a\n"
        + struct.pack(">I", 13)
        + chunk
        + struct.pack(">I", zlib.crc32(chunk))
        + struct.pack(">I", len(body))
        + b"IDAT"
        + body
        + struct.pack(">I", zlib.crc32(b"IDAT" + body))
    )


@pytest.mark.parametrize(
    ("width", "height"),
    [(8_000, 8_000), (30_000, 30_000), (2**31 - 1, 2**31 - 1), (50_000_000, 1), (1, 50_000_000), (20_000_001, 10)],
)
def test_bomb_is_rejected_by_its_header(width, height, monkeypatch):
    monkeypatch.setattr(Image.Image, "tobytes", lambda *_: pytest.fail("decoded"))
    with pytest.raises(AaeError, match=r"bomb\.png claims .* pixels") as caught:
        decode(png_header_of(width, height), "bomb.png")
    assert caught.value.hint


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"hello, I am text\n" * 10, "x.png is not a picture"),
        (file_of(Image.fromarray(RAMP), "JPEG")[:300], "x.png is damaged or cut short"),
        (file_of(Image.fromarray(RAMP), "PNG")[:60], "x.png is damaged or cut short"),
        (b"\0\0\0\x18ftypheic" + b"\0" * 50, "x.png is a HEIC photo"),
        (b"\x89PNG\r\n\x1a\n", "x.png is damaged or cut short"),
    ],
)
def test_what_is_no_picture_is_said(data, message):
    with pytest.raises(AaeError, match=message) as caught:
        decode(data, "x.png")
    assert caught.value.hint


@pytest.mark.filterwarnings("ignore")
def test_mutated_files_end_in_a_picture_or_a_sentence():
    """Bytes flipped, cut, doubled: nothing but AaeError comes out."""
    rng = np.random.default_rng(0)
    noise = Image.fromarray(rng.integers(0, 256, (60, 50, 3)).astype(np.uint8))
    seeds = [
        file_of(noise if suffix != "GIF" else noise.quantize(16), suffix)
        for suffix in ("PNG", "JPEG", "GIF", "WEBP", "TIFF", "BMP", "PPM", "AVIF")
    ]
    num_failed = 0
    for number in range(500):
        data = bytearray(seeds[number % len(seeds)])
        for _ in range(int(rng.integers(1, 6))):
            # Half of them hit the header, where sizes and offsets are.
            reach = 60 if rng.random() < 0.5 else len(data)
            data[int(rng.integers(4, max(5, min(reach, len(data)))))] = int(rng.integers(256))
        if rng.random() < 0.3:
            del data[int(rng.integers(8, len(data))) :]
        try:
            pixels = pictures.decode(bytes(data), "x").pixels
        except AaeError:
            num_failed += 1
        else:
            assert pixels.dtype == np.uint8
            assert pixels.ndim in (2, 3)
    assert 100 < num_failed < 500


def numbers(values, mode):
    """Decode a TIFF of one row of numbers."""
    image = Image.fromarray(np.array([values], {"I;16": np.uint16, "I": np.int32, "F": np.float32}[mode]))
    assert image.mode == mode
    pixels = decode(file_of(image, "TIFF"), "x")
    assert pixels.dtype == np.uint8
    return pixels[0].tolist()


@pytest.mark.parametrize(
    ("mode", "values", "shades"),
    [
        # The range of the type, or of as many of its bits as cameras give.
        ("I;16", [257, 2570, 25700], [1, 10, 100]),
        ("I;16", [257, 2570, 16384], [1, 10, 64]),
        ("I;16", [0, 8192, 16383], [0, 128, 255]),
        ("I;16", [0, 2048, 4095], [0, 128, 255]),
        ("I;16", [0, 512, 1023], [0, 128, 255]),
        ("I;16", [0, 100, 255], [0, 100, 255]),
        ("I;16", [0, 0, 0], [0, 0, 0]),
        ("I", [0, 257, 25700], [0, 1, 100]),
        ("I", [257, 2570, 65535], [1, 10, 255]),
        ("I", [3, 100, 200], [3, 100, 200]),
        ("I", [0, 20, 255], [0, 20, 255]),
        ("F", [0.2, 0.4, 0.6], [51, 102, 153]),
        ("F", [0, 0.4, 1], [0, 102, 255]),
        ("F", [1, 3, 200], [1, 3, 200]),
        # Without one, that of the pixels.
        ("I", [-100, 0, 155], [0, 100, 255]),
        ("I", [0, 50_000, 100_000], [0, 128, 255]),
        ("F", [-1, 0, 1], [0, 128, 255]),
        ("F", [100, 600, 1100], [0, 128, 255]),
        ("F", [-5e-4, 0, 5e-4], [0, 128, 255]),
        # What is no number is as dark as nothing.
        ("F", [np.nan, np.inf, -np.inf, 0.4], [0, 0, 0, 102]),
    ],
)
def test_wide_numbers_become_shades(mode, values, shades):
    assert numbers(values, mode) == shades


def test_one_number_everywhere_is_one_shade():
    assert len(set(numbers([70_000, 70_000], "I"))) == 1


def test_a_huge_picture_of_wide_numbers_is_thinned_out():
    wide = np.zeros((10, 6 * decoders.WORKING_SIZE), np.uint16)
    wide[:, 3 * decoders.WORKING_SIZE :] = 65535
    pixels = decode(file_of(Image.fromarray(wide), "TIFF"), "x")
    assert pixels.shape[1] <= 2 * decoders.WORKING_SIZE
    assert (pixels[0, 0], pixels[-1, -1]) == (0, 255)


@pytest.mark.parametrize("mode", ["CMYK", "YCbCr", "LAB"])
def test_colour_is_kept_in_any_mode(mode):
    red = Image.new("RGB", (6, 5), (200, 30, 30))
    image = red.convert(mode) if mode != "LAB" else Image.new("LAB", (6, 5), (110, 190, 170))
    pixels = decode(file_of(image, "TIFF"), "x")
    assert pixels.shape == (5, 6, 3)
    assert pixels[0, 0, 0] > 150 > 100 > pixels[0, 0, 1]


@pytest.mark.parametrize("brand", [b"heic", b"heix", b"heim", b"mif1", b"msf1"])
def test_a_photo_of_a_phone_is_told_from_what_is_no_picture(brand):
    with pytest.raises(AaeError, match="is a HEIC photo") as caught:
        decode(b"\0\0\0\x18ftyp" + brand + b"\0" * 50, "x.jpg")
    assert "JPEG" in caught.value.hint


def test_a_damaged_avif_is_no_heic():
    with pytest.raises(AaeError, match="damaged or cut short"):
        decode(b"\0\0\0\x18ftypavif" + b"\0" * 50, "x.png")


def deep_png(values, kind):
    """Write a PNG of one row of 16-bit colours."""
    raw = b"\0" + np.array(values, ">u2").tobytes()
    header = struct.pack(">IIBBBBB", len(values), 1, 16, kind, 0, 0, 0)
    chunks = [stubborn.chunk(name, body) for name, body in ((b"IHDR", header), (b"IDAT", zlib.compress(raw)))]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks) + stubborn.chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("white", "scale"),
    [(65535, 257), (32767, 257), (16383, 16383 / 255), (4095, 4095 / 255), (1023, 1023 / 255), (255, 1)],
)
def test_colours_of_few_of_sixteen_bits_are_not_black(white, scale):
    colours = np.array([[0, white // 2, white], [white, white // 4, 0]])
    expected = np.floor(colours / 256) if white > 16383 else np.rint(colours / scale)
    assert np.array_equal(decode(deep_png(colours, 2), "x")[0], expected)
    opaque = np.pad(colours, ((0, 0), (0, 1)), constant_values=65535)
    assert np.array_equal(decode(deep_png(opaque, 6), "x")[0], expected)


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_tiff_of_twelve_bits_a_colour(order):
    colours = np.array([[0, 2048, 4095], [4095, 1024, 0]])
    entry = order + "HHII"
    tags = (
        *((256, 4, 2), (257, 4, 1), (259, 3, 1), (262, 3, 2), (273, 4, 200)),
        *((277, 3, 3), (278, 4, 1), (279, 4, 12), (284, 3, 1)),
    )
    left = 2**16 if order == ">" else 1
    body = [struct.pack(entry, tag, kind, 1, value * (left if kind == 3 else 1)) for tag, kind, value in tags]
    body.insert(2, struct.pack(entry, 258, 3, 3, 190))
    head = (
        (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "IH", 8, len(body)) + b"".join(body) + bytes(4)
    )
    data = (
        head.ljust(190, b"\0")
        + struct.pack(order + "3H", 16, 16, 16)
        + bytes(4)
        + colours.astype(order + "u2").tobytes()
    )
    assert np.array_equal(decode(data, "x")[0], np.rint(colours * (255 / 4095)))
