"""Pixels as scikit-image gives them, and every kind of odd file read correctly or refused by name."""

import struct
import zlib
from collections.abc import Callable
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


GREY = picture()[:, :, 0]
ALPHA = np.tile(np.linspace(0, 255, 80), (60, 1)).astype(np.uint8)
RAMP = np.linspace(0, 65535, 40 * 50).reshape(40, 50).astype(np.uint16)
FRAMES = [Image.fromarray(picture(seed=seed)) for seed in range(3)]


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


@pytest.mark.parametrize(
    ("height", "width", "size"),
    [(224, 224, 128), (100, 130, 128), (301, 517, 128), (64, 9, 50), (333, 128, 128), (20, 31, 48)],
)
@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_pixels_are_those_of_scikit_image(tmp_path, height, width, size, suffix):
    file = tmp_path / f"x{suffix}"
    Image.fromarray(picture(height, width)).save(file)
    np.testing.assert_allclose(loaded(file, size), reference(file, size), atol=1e-5)
    np.testing.assert_allclose(loaded(file, size, 3), reference(file, size, grey=False), atol=1e-5)


@pytest.mark.parametrize("colour", [False, True])
def test_a_large_jpeg_decoded_in_part_stays_within_one_grey_level(tmp_path, colour):
    pixels = picture(1100, 1301)
    if not colour:  # edges from black to white, at the borders too, are the hardest case
        pixels = pixels[:, :, 0]
        pixels[:5], pixels[:, -3:], pixels[400:700, 500:503] = 255, 255, 255
    Image.fromarray(pixels).save(tmp_path / "x.jpg", quality=92)
    apart = np.abs(loaded(tmp_path / "x.jpg") - reference(tmp_path / "x.jpg", 64)).max()
    assert 1e-5 < apart <= 1 / 255, "as a whole it would be the same"


def test_real_images_are_those_of_scikit_image():
    if not REAL.is_dir():
        pytest.skip("the real images are not beside the repository")
    files = sorted((REAL / "test").iterdir())[::20]
    pixels, _ = images.load_images(files, 128, progress=False)
    for file, image in zip(files, pixels, strict=True):
        np.testing.assert_allclose(image[:, :, 0], reference(file, 128), atol=1 / 255)


def test_order_is_kept_over_many_blocks(tmp_path):
    files = [tmp_path / f"{number}.png" for number in range(3 * images.BLOCK + 5)]
    for number, file in enumerate(files):
        Image.new("L", (10, 10), number).save(file)
    pixels, hashes = images.load_images(files, 32, progress=False)
    np.testing.assert_allclose(pixels.mean(axis=(1, 2, 3)) * 255, np.arange(len(files)), atol=1e-3)
    assert pixels.dtype == np.float32 and len(set(hashes)) == len(files)


def test_hash_sees_one_pixel_and_not_the_file_format(tmp_path):
    files, changed = [tmp_path / name for name in ("a.png", "b.bmp", "c.png")], picture()
    changed[30, 30, 1] += 1
    for file, pixels in zip(files, (picture(), picture(), changed), strict=True):
        Image.fromarray(pixels).save(file)
    _, (a, b, c) = images.load_images(files, 64, progress=False)
    assert a == b != c


def test_large_pictures_are_decoded_one_at_a_time(tmp_path, monkeypatch):
    Image.fromarray(picture()).save(tmp_path / "x.png")
    together, most, real = [], [], images._to_array

    def watch(image):
        together.append(1)
        most.append(len(together))
        pixels = real(image)
        together.pop()
        return pixels

    monkeypatch.setattr(images, "_to_array", watch)
    monkeypatch.setattr("labutils.machine.cores", lambda: 4)
    monkeypatch.setattr(images, "LARGE", 100)
    images.load_images([tmp_path / "x.png"] * 6, 32, progress=False)
    assert max(most) == 1 and len(most) == 6


@pytest.mark.parametrize(
    ("name", "image"),
    [
        ("16 bits.png", Image.fromarray(RAMP)),
        ("palette.png", Image.fromarray(picture()).quantize(32)),
        ("transparent.png", Image.fromarray(np.dstack([picture(), ALPHA]))),
        ("plain.tif", Image.fromarray(picture())),
        ("Mél 0001 – Ångström 影.JPG", Image.fromarray(picture())),
    ],
)
def test_odd_files_that_scikit_image_reads_too(tmp_path, name, image):
    image.save(tmp_path / name)
    np.testing.assert_allclose(loaded(tmp_path / name), reference(tmp_path / name, 64), atol=1e-5)


@pytest.mark.parametrize(
    ("name", "image", "brightness"),
    [
        ("black and white.tif", Image.fromarray(GREY > 128), GREY > 128),
        ("transparent grey.png", Image.fromarray(np.dstack([GREY, ALPHA]), "LA"), 1 - ALPHA / 255 * (1 - GREY / 255)),
    ],
)
def test_odd_files_in_grey(tmp_path, name, image, brightness):
    """What is transparent is seen on white."""
    image.save(tmp_path / name)
    np.testing.assert_allclose(images.read_image(tmp_path / name), brightness, atol=1e-4)
    colour = images.read_image(tmp_path / name, 3)
    assert colour.shape == (*brightness.shape, 3) and np.ptp(colour, axis=2).max() == 0


def test_cmyk_jpeg_has_the_colours_it_shows(tmp_path):
    Image.fromarray(picture()).convert("CMYK").save(tmp_path / "x.jpg", quality=95)
    apart = np.abs(images.read_image(tmp_path / "x.jpg", 3) - picture() / 255)
    assert apart.max() < 0.25 and apart.mean() < 0.02


@pytest.mark.parametrize("size", [32, 8])
@pytest.mark.parametrize("suffix", [".jpg", ".tif"])
def test_exif_rotated_image_is_upright(tmp_path, suffix, size):
    image, exif = Image.fromarray(picture(120, 260)), Image.Exif()
    turned, upright = (tmp_path / f"{name}{suffix}" for name in ("turned", "upright"))
    exif[0x0112] = 6
    image.transpose(Image.Transpose.ROTATE_90).save(turned, exif=exif)
    image.save(upright)
    np.testing.assert_allclose(loaded(turned, size), loaded(upright, size), atol=0.02)
    assert images.read_image(turned).shape == (120, 260)


def broken_jpeg(file: Path) -> None:
    Image.fromarray(picture(300, 300)).save(file, "JPEG")
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def bomb(width: int, height: int) -> Callable[[Path], object]:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    png = b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    return lambda file: file.write_bytes(png)


def tiff(pixels: np.ndarray) -> Callable[[Path], object]:
    return lambda file: Image.fromarray(pixels).save(file, "TIFF")


def one_is(value: float) -> np.ndarray:
    return np.where(np.arange(400) == 64, value, 0.5).astype(np.float32).reshape(20, 20)


def film(form: str) -> Callable[[Path], object]:
    return lambda file: FRAMES[0].save(file, form, save_all=True, append_images=FRAMES[1:])


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (Path.touch, "empty (0 bytes)"),
        (broken_jpeg, "damaged"),
        (bomb(20_000, 20_000), "more than 80 million pixels"),  # for Pillow
        (bomb(10_000, 8_500), "more than 80 million pixels"),  # for us
        (tiff(np.zeros((1, 1), np.uint8)), "1x1 pixels"),
        (tiff(one_is(np.nan)), "1 value"),
        (tiff(one_is(np.inf)), "1 value"),
        (tiff(np.linspace(-1000, 3000, 400, dtype=np.float32).reshape(20, 20)), "from -1000 to 3000"),
        (tiff(np.arange(400, dtype=np.int32).reshape(20, 20)), "32-bit"),
        *((film(form), "3 frames") for form in ("GIF", "TIFF", "PNG", "WEBP")),
        (lambda file: None, "has gone"),
    ],
)
def test_files_that_are_refused(tmp_path, make, says):
    make(tmp_path / "x.jpg")
    assert says in refusal(tmp_path / "x.jpg")


def test_no_permission(tmp_path, monkeypatch):
    error = PermissionError(13, "Permission denied", str(tmp_path / "x.png"))
    monkeypatch.setattr(Image, "open", lambda *_, **__: (_ for _ in ()).throw(error))
    assert "may not be read by you" in refusal(tmp_path / "x.png")


@pytest.mark.parametrize("bad", [(3, 17, 39), range(40)])
def test_bad_files_are_named_in_order_and_many_are_counted(tmp_path, bad):
    files = [tmp_path / f"{number:02}.png" for number in range(40)]
    for number, file in enumerate(files):
        Image.new("L", (10, 10)).save(file) if number not in bad else file.touch()
    with pytest.raises(DataError) as error:
        images.load_images(files, 32, progress=False)
    *named, last = str(error.value).splitlines() if len(bad) > 10 else (*str(error.value).splitlines(), "")
    assert [line.split(" ")[0][-6:] for line in named] == [f"{number:02}.png" for number in bad[:10]]
    assert last == ("... and 30 more files." if len(bad) > 10 else "")
