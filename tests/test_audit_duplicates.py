"""What is there twice: copies in any dress are found, different pictures and running numbers are not."""

import io

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter

from labutils.audit import duplicates


def make_pictures(n, seed=0, side=96):
    """Grey pictures with structure at all scales, unlike each other, from 0 to 1."""
    noise = np.random.default_rng(seed).random((n, side, side))
    pictures = sum(gaussian_filter(noise, (0, s, s)) * s for s in (1, 2, 4, 8))
    low, high = pictures.min(axis=(1, 2), keepdims=True), pictures.max(axis=(1, 2), keepdims=True)
    return (pictures - low) / (high - low)


def thumbnails(pictures):
    return np.stack([duplicates.make_thumbnail(one) for one in pictures])


def save_as_jpeg(picture, quality):
    file = io.BytesIO()
    Image.fromarray((picture * 255).astype(np.uint8)).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file)) / 255


DRESSES = {
    "saved again": lambda p: save_as_jpeg(p, 30),
    "brighter": lambda p: np.clip(p * 1.3, 0, 1),
    "darker": lambda p: p * 0.5,
    "less contrast": lambda p: 0.3 + 0.4 * p,
    "gamma": lambda p: p**0.6,
    "half the size": lambda p: p[::2, ::2],
    "mirrored": lambda p: p[:, ::-1],
    "turned": lambda p: np.rot90(p),
    "turned and mirrored": lambda p: np.rot90(p, 3)[::-1],
}


@pytest.mark.parametrize("dress", DRESSES)
def test_copy_is_found(dress):
    pictures = list(make_pictures(20))
    pictures.append(DRESSES[dress](pictures[7]))
    assert duplicates.find_similar(thumbnails(pictures)).tolist() == [[7, 20]]


def test_what_is_not_alike_is_no_copy():
    """Different pictures; those that a black frame alone makes alike; flat ones, with nothing to compare."""
    framed, flat = make_pictures(6) * 0.1 + 0.6, np.full((3, 64, 64), 0.5)
    framed[:, :, :4] = framed[:, :3, :] = framed[:, -3:, :] = 0
    assert duplicates.similarity_to(thumbnails(framed[:1]), thumbnails(framed[1:])).max() > duplicates.SIMILAR
    for pictures in (make_pictures(200), framed, flat + np.random.default_rng(0).normal(0, 1e-4, (3, 1, 1))):
        assert len(duplicates.find_similar(thumbnails(pictures))) == 0


def test_similarity_to_others():
    pictures = thumbnails(make_pictures(10))
    scores = duplicates.similarity_to(pictures[:3], np.concatenate([pictures[4:], pictures[1:2].swapaxes(1, 2)]))
    assert scores[1] > 0.99 and scores[[0, 2]].max() < 0.7
    assert duplicates.similarity_to(pictures[:2], pictures[:0]).tolist() == [-1, -1]


def test_groups_of_equal_values():
    assert duplicates.find_equal(["a", "b", "a", "", "", "b", "a"]) == [(0, 2, 6), (1, 5)]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("train/Mel_ISIC_0024400.jpg", "isic_0024400"),
        ("train/Mel/ISIC_0024400.jpg", "isic_0024400"),
        ("Mel_0001.jpg", "1"),
        ("mel0001.JPG", "1"),
        ("Nev (12).png", "12"),
        ("C1_0007.png", "7"),
        ("C10_0007.png", "c10_0007"),
        ("img_0003.jpg", "3"),
        ("AFF_patient12_view3.jpg", "patient 12"),
        ("AFF_Patient-012.jpg", "patient 12"),
        ("HAM_0000118_b.jpg", "lesion 118"),
        ("lesion_id 12.jpg", "lesion 12"),
        ("00000013_005.png", "patient 13"),
        ("AFF_00000013_005.png", "patient 13"),
        ("person12_bacteria_47.jpeg", "patient 12"),
        ("pt12-3.png", "patient 12"),
        ("P012_L_CC.png", "patient 12"),
        ("Mass-Training_P_00012_LEFT_CC.png", "patient 12"),
        ("patient007_study1.png", "patient 7"),
        ("p10000032_s50414267.jpg", "patient 10000032"),
        ("sub-CC110045_T1w.png", "patient cc110045"),
        ("TCGA_CS_4941_19960909_1.tif", "patient tcga_cs_4941"),
        ("002_S_0413_MR.png", "patient 002_s_0413"),
        ("SOB_B_A-14-22549AB-40-001.png", "patient 14-22549ab"),
        ("C100P61ThinF_IMG_20150918_144104_cell_162.png", "patient 61"),
        ("UID_H11_1_2_hem.bmp", "patient h11"),
        ("10_left.jpeg", "patient 10"),
        ("9003175L.png", "patient 9003175"),
        # A series, a date, a gene, a sound and a part: no patients.
        ("IMG-0012-00001.png", "12"),
        ("20240131_001.png", "20240131_001"),
        ("1p19q_012.png", "1p19q_012"),
        ("mp3.png", "mp3"),
        ("subset1_2.png", "subset1_2"),
        ("Mel.jpg", ""),
        ("0012_Mel.jpg", "12"),
        ("Melanoma_5.jpg", "melanoma_5"),
    ],
)
def test_id_in_a_file_name(name, expected):
    assert duplicates.read_id(name, ("Mel", "Nev", "AFF", "NFF", "C1")) == expected


ARCHIVE = [f"isic_{n:07}" for n in range(24000, 24050)], [f"isic_{n:07}" for n in (30001, 24007, 31000)]
SPARSE = ["24400", "31234", "99120"], ["31234", "40001"]
RUNNING = range(1, 501), range(1, 101)


@pytest.mark.parametrize(
    ("early", "late", "late_labels", "found"),
    [
        (*ARCHIVE, [0, 0, 0], ["isic_0024007"]),
        (*ARCHIVE, [1, 1, 1], ["isic_0024007"]),
        (*([str(n) for n in numbers] for numbers in RUNNING), [0] * 100, []),
        (*([f"x{n}" for n in numbers] for numbers in RUNNING), [0] * 100, []),
        (*SPARSE, [0, 0], ["31234"]),
        (*SPARSE, [1, 1], []),
        (["patient 1", "patient 1", "patient 2"], ["patient 2", "patient 3"], [0, 0], ["patient 2"]),
        (["left", "", "right"], ["left", ""], [0, 0], []),
    ],
    ids=["an archive", "of any class", "running", "named", "sparse", "of another class", "patients", "no number"],
)
def test_ids_in_both_splits(early, late, late_labels, found):
    labels = np.array([*[0] * len(early), *late_labels])
    in_validation = np.repeat([False, True], [len(early), len(late)])
    assert [one for one, _ in duplicates.find_shared_ids([*early, *late], in_validation, labels)] == found


def test_groups_are_those_that_pairs_link(monkeypatch):
    """Copies of copies are one group, called by its first picture, also where blocks end between them."""
    pictures = thumbnails(make_pictures(9, seed=3))
    shown = np.concatenate([pictures, pictures[:3] * 0.8, np.rot90(pictures[:2], axes=(1, 2)), pictures[8:] + 0.1])
    pairs = [[0, 9], [0, 12], [1, 10], [1, 13], [2, 11], [8, 14], [9, 12], [10, 13]]
    for block in (2048, 4):
        monkeypatch.setattr(duplicates, "_BLOCK", block)
        assert duplicates.group_similar(shown).tolist() == [*range(9), 0, 1, 2, 0, 1, 8]
        assert duplicates.find_similar(shown).tolist() == pairs
