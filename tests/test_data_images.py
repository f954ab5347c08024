"""Pixels as scikit-image gives them, and every kind of odd file read correctly or refused by name."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage.io import imread
from skimage.transform import resize

from labutils.data import images
from labutils.errors import DataError

REAL = Path(__file__).parents[2] / "shared" / "real" / "Skin"


def picture(height: int = 60, width: int = 80, seed: int = 0) -> np.ndarray:
    """A smooth colour picture with a hard edge in it, (height, width, 3) uint8."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width] / max(height, width)
    waves = [np.sin(9 * (a * x + b * y) + c) for a, b, c in rng.uniform(0, 1.5, (3, 3))]
    colours = np.stack(waves, axis=2) * 100 + 128
    colours[(x + y) > 0.9] = 20
    return colours.astype(np.uint8)


def reference(file: Path, size: int, grey: bool = True) -> np.ndarray:
    """What the lab's report does, image by image."""
    image = imread(file, as_gray=grey)
    return resize(image, (size, size, *image.shape[2:]), anti_aliasing=True)


def loaded(file: Path, size: int = 64, channels: int = 1) -> np.ndarray:
    pixels, _ = images.load_images([file], size, channels, progress=False)
    return pixels[0, :, :, 0] if channels == 1 else pixels[0]


def refusal(file: Path) -> str:
    """The message with which a file is refused, by both ways of reading; it always names the file."""
    with pytest.raises(DataError) as alone:
        images.read_image(file)
    with pytest.raises(DataError) as among_others:
        images.load_images([file], 64, progress=False)
    assert str(alone.value) == str(among_others.value)
    assert file.name in str(alone.value)
    assert str(file.parent.parent) not in str(alone.value), "no folder of one machine in a message"
    return str(alone.value)


# ---------------------------------------------------------------- the same pixels


@pytest.mark.parametrize(
    ("height", "width", "size"), [(224, 224, 128), (100, 130, 128), (301, 517, 128), (64, 9, 50), (333, 128, 128)]
)
@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_pixels_are_those_of_scikit_image(tmp_path, height, width, size, suffix):
    file = tmp_path / f"x{suffix}"
    Image.fromarray(picture(height, width)).save(file)
    np.testing.assert_allclose(loaded(file, size), reference(file, size), atol=1e-5)
    np.testing.assert_allclose(loaded(file, size, 3), reference(file, size, grey=False), atol=1e-5)


def test_resize_image_is_that_of_scikit_image():
    grey = picture(90, 70)[:, :, 0] / 255
    np.testing.assert_allclose(images.resize_image(grey, 40), resize(grey, (40, 40), anti_aliasing=True), atol=1e-5)


@pytest.mark.parametrize("colour", [False, True])
def test_a_large_jpeg_decoded_in_part_stays_within_one_grey_level(tmp_path, colour):
    file = tmp_path / "large.jpg"
    pixels = picture(1100, 1301)
    if not colour:
        # Edges from black to white, at the borders too, are the hardest case.
        pixels = pixels[:, :, 0]
        pixels[:5], pixels[:, -3:], pixels[400:700, 500:503] = 255, 255, 255
    Image.fromarray(pixels).save(file, quality=92)
    decoded, full, step = images._decode(file, 64)
    assert step == 2 and full == (1100, 1301) and decoded.shape[:2] == (550, 651)
    np.testing.assert_allclose(loaded(file, 64), reference(file, 64), atol=1 / 255)


def test_real_images_are_those_of_scikit_image():
    if not REAL.is_dir():
        pytest.skip("the real images are not beside the repository")
    files = sorted((REAL / "test").iterdir())[::20]
    pixels, _ = images.load_images(files, 128, progress=False)
    for file, image in zip(files, pixels, strict=True):
        np.testing.assert_allclose(image[:, :, 0], reference(file, 128), atol=1 / 255)


def test_order_is_kept_over_many_blocks(tmp_path):
    files = []
    for number in range(3 * images.BLOCK + 5):
        files.append(tmp_path / f"{number}.png")
        Image.new("L", (10, 10), number).save(files[-1])
    pixels, hashes = images.load_images(files, 32, progress=False)
    np.testing.assert_allclose(pixels.mean(axis=(1, 2, 3)) * 255, np.arange(len(files)), atol=1e-3)
    assert pixels.dtype == np.float32 and len(set(hashes)) == len(files)


def test_hash_sees_one_pixel_and_not_the_file_format(tmp_path):
    pixels = picture()
    Image.fromarray(pixels).save(tmp_path / "a.png")
    Image.fromarray(pixels).save(tmp_path / "b.bmp")
    pixels[30, 30, 1] += 1
    Image.fromarray(pixels).save(tmp_path / "c.png")
    _, (a, b, c) = images.load_images([tmp_path / n for n in ("a.png", "b.bmp", "c.png")], 64, progress=False)
    assert a == b != c


# ---------------------------------------------------------------- odd but readable


def test_sixteen_bit_png(tmp_path):
    values = np.linspace(0, 65535, 40 * 50).reshape(40, 50).astype(np.uint16)
    Image.fromarray(values).save(tmp_path / "x.png")
    np.testing.assert_allclose(images.read_image(tmp_path / "x.png"), values / 65535, atol=1e-6)
    np.testing.assert_allclose(loaded(tmp_path / "x.png"), reference(tmp_path / "x.png", 64), atol=1e-5)


def test_palette_png(tmp_path):
    image = Image.fromarray(picture()).quantize(32)
    image.save(tmp_path / "x.png")
    np.testing.assert_allclose(loaded(tmp_path / "x.png"), reference(tmp_path / "x.png", 64), atol=1e-5)


def test_rgba_is_seen_on_white(tmp_path):
    alpha = np.tile(np.linspace(0, 255, 80), (60, 1)).astype(np.uint8)
    Image.fromarray(np.dstack([picture(), alpha])).save(tmp_path / "x.png")
    np.testing.assert_allclose(loaded(tmp_path / "x.png"), reference(tmp_path / "x.png", 64), atol=1e-5)
    assert images.read_image(tmp_path / "x.png")[30, 0] == pytest.approx(1)


def test_grey_with_alpha_is_seen_on_white(tmp_path):
    values = np.full((20, 30, 2), 100, np.uint8)
    values[:, :15, 1], values[:, 15:, 1] = 255, 0
    Image.fromarray(values, "LA").save(tmp_path / "x.png")
    grey = images.read_image(tmp_path / "x.png")
    assert grey[10, 5] == pytest.approx(100 / 255, abs=1e-4) and grey[10, 25] == pytest.approx(1)


def test_cmyk_jpeg_has_the_colours_it_shows(tmp_path):
    Image.fromarray(picture()).convert("CMYK").save(tmp_path / "x.jpg", quality=95)
    np.testing.assert_allclose(images.read_image(tmp_path / "x.jpg", 3), picture() / 255, atol=0.25)
    assert np.abs(images.read_image(tmp_path / "x.jpg", 3) - picture() / 255).mean() < 0.02


@pytest.mark.parametrize("size", [32, 8])
@pytest.mark.parametrize("suffix", [".jpg", ".tif"])
def test_exif_rotated_image_is_upright(tmp_path, suffix, size):
    upright = Image.fromarray(picture(120, 260))
    exif = Image.Exif()
    exif[0x0112] = 6
    upright.transpose(Image.Transpose.ROTATE_90).save(tmp_path / f"turned{suffix}", exif=exif)
    upright.save(tmp_path / f"upright{suffix}")
    np.testing.assert_allclose(
        loaded(tmp_path / f"turned{suffix}", size), loaded(tmp_path / f"upright{suffix}", size), atol=0.02
    )
    assert images.read_image(tmp_path / f"turned{suffix}").shape == (120, 260)


def test_tiff(tmp_path):
    Image.fromarray(picture()).save(tmp_path / "x.tif")
    np.testing.assert_allclose(loaded(tmp_path / "x.tif"), reference(tmp_path / "x.tif", 64), atol=1e-5)


def test_sixteen_bit_tiff_that_counts_from_white(tmp_path):
    values = np.linspace(0, 65535, 40 * 50).reshape(40, 50).astype(np.uint16)
    Image.fromarray(values).save(tmp_path / "x.tif", tiffinfo={262: 0})
    np.testing.assert_allclose(images.read_image(tmp_path / "x.tif"), 1 - values / 65535, atol=1e-4)


def test_float_tiff_in_range(tmp_path):
    values = picture()[:, :, 0].astype(np.float32) / 255
    Image.fromarray(values).save(tmp_path / "x.tif")
    np.testing.assert_allclose(images.read_image(tmp_path / "x.tif"), values, atol=1e-6)


def test_black_and_white_image(tmp_path):
    Image.fromarray(picture()[:, :, 0] > 128).save(tmp_path / "x.png")
    np.testing.assert_array_equal(images.read_image(tmp_path / "x.png"), picture()[:, :, 0] > 128)


def test_names_in_capitals_with_spaces_and_accents(tmp_path):
    file = tmp_path / "Mél 0001 – Ångström 影.JPG"
    Image.fromarray(picture()).save(file, format="JPEG")
    np.testing.assert_allclose(loaded(file), reference(file, 64), atol=1e-5)


def test_a_grey_image_in_colour_has_three_equal_channels(tmp_path):
    Image.fromarray(picture()[:, :, 0]).save(tmp_path / "x.png")
    colour = images.read_image(tmp_path / "x.png", 3)
    assert colour.shape == (60, 80, 3) and np.ptp(colour, axis=2).max() == 0


# ---------------------------------------------------------------- refused


def test_truncated_jpeg(tmp_path):
    buffer = io.BytesIO()
    Image.fromarray(picture(300, 300)).save(buffer, "JPEG")
    (tmp_path / "x.jpg").write_bytes(buffer.getvalue()[: buffer.tell() // 2])
    assert "damaged" in refusal(tmp_path / "x.jpg")


def test_zero_bytes(tmp_path):
    (tmp_path / "x.jpg").touch()
    assert "empty (0 bytes)" in refusal(tmp_path / "x.jpg")


def test_text_called_jpg(tmp_path):
    (tmp_path / "x.jpg").write_text("These are my notes.")
    assert "is not an image" in refusal(tmp_path / "x.jpg")


@pytest.mark.parametrize("suffix", [".gif", ".tif", ".png", ".webp"])
def test_several_frames(tmp_path, suffix):
    frames = [Image.fromarray(picture(seed=seed)) for seed in range(3)]
    frames[0].save(tmp_path / f"x{suffix}", save_all=True, append_images=frames[1:])
    assert "3 frames" in refusal(tmp_path / f"x{suffix}")


def test_one_pixel(tmp_path):
    Image.new("L", (1, 1)).save(tmp_path / "x.png")
    assert "1x1 pixels" in refusal(tmp_path / "x.png")


@pytest.mark.parametrize(("width", "height"), [(20_000, 20_000), (10_000, 8_500)])
def test_bomb_is_refused_before_it_is_unpacked(tmp_path, width, height):
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    body = chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    (tmp_path / "x.png").write_bytes(b"\x89PNG\r\n\x1a\n" + header + body)
    assert "more than 80 million pixels" in refusal(tmp_path / "x.png")


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_float_tiff_with_values_that_are_no_numbers(tmp_path, bad):
    values = np.full((20, 20), 0.5, np.float32)
    values[3, 4] = bad
    Image.fromarray(values).save(tmp_path / "x.tif")
    assert "1 value" in refusal(tmp_path / "x.tif")


def test_float_tiff_out_of_range(tmp_path):
    Image.fromarray(np.linspace(-1000, 3000, 400, dtype=np.float32).reshape(20, 20)).save(tmp_path / "x.tif")
    assert "from -1000 to 3000" in refusal(tmp_path / "x.tif")


def test_32_bit_whole_numbers(tmp_path):
    Image.fromarray(np.arange(400, dtype=np.int32).reshape(20, 20)).save(tmp_path / "x.tif")
    assert "32-bit" in refusal(tmp_path / "x.tif")


def test_no_permission(tmp_path, monkeypatch):
    Image.fromarray(picture()).save(tmp_path / "x.png")

    def denied(*args: object, **kwargs: object) -> None:
        raise PermissionError(13, "Permission denied", str(tmp_path / "x.png"))

    monkeypatch.setattr(Image, "open", denied)
    assert "may not be read by you" in refusal(tmp_path / "x.png")


def test_file_that_has_gone(tmp_path):
    assert "has gone" in refusal(tmp_path / "x.png")


def test_every_bad_file_is_named_in_order(tmp_path):
    files = []
    for number in range(40):
        files.append(tmp_path / f"{number:02}.png")
        Image.new("L", (10, 10)).save(files[-1])
    for number in (3, 17, 39):
        files[number].write_bytes(b"")
    with pytest.raises(DataError) as error:
        images.load_images(files, 32, progress=False)
    assert [line.split(" ")[0][-6:] for line in str(error.value).splitlines()] == ["03.png", "17.png", "39.png"]


def test_many_bad_files_are_counted(tmp_path):
    files = [tmp_path / f"{number}.png" for number in range(30)]
    for file in files:
        file.touch()
    with pytest.raises(DataError, match=r"and 20 more files\.$"):
        images.load_images(files, 32, progress=False)
