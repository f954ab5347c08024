"""Names of data sets: three are the lab's own, any other is that of a folder of images."""

import re
import unicodedata

LAB_DATASETS = ("skin", "bone", "x_ray")
"""The data sets that the lab's tasks speak of, and that can be drawn."""

ALLOWED_NAME = "skin, bone or x_ray, or the name of a folder of yours that holds train and validation"
"""What to say to somebody whose name of a data set cannot be one."""

_LONGEST = 64
_NAME = re.compile(r"[^\W_](?:[\w .-]*[^\W])?")


def dataset_name(text: object) -> str | None:
    """The one way in which a data set's name is written inside the lab, None for what cannot be one.

    Letter case, and what stands between words, do not matter: folders are found again however they were typed.

    Examples
    --------
    >>> dataset_name("Skin"), dataset_name("X-ray"), dataset_name("Chest 2024"), dataset_name("../Skin")
    ('skin', 'x_ray', 'chest_2024', None)
    """
    if not isinstance(text, str) or len(text) > _LONGEST or not _NAME.fullmatch(text):
        return None
    words = re.sub(r"[\W_]+", "_", unicodedata.normalize("NFC", text).casefold()).strip("_")
    plain = words.replace("_", "")
    return next((name for name in LAB_DATASETS if name.replace("_", "") == plain), words)
