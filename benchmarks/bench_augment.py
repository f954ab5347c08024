"""Does a training step wait for augmented images? Epochs with and without augmentation, in turn.

    python benchmarks/bench_augment.py [--rounds 5] [--images 64]

Images are changed on a thread of their own while the step before is computed. Beside the smallest network of the lab
that cannot be much, beside that of Task 8 it should be nothing; the table says what it is here. Medians over rounds,
the ratio within each round; the first epochs are not counted.
"""

import argparse
import statistics
import time
from collections.abc import Callable

from bench_training import ROOT, made_up_images

from labutils import lab, machine
from labutils.augment import augment_batch
from labutils.config import RunConfig
from labutils.data.dataset import Dataset
from labutils.training.backend import compiled_model, feed

NETWORKS = {
    "AlexNet b8": lab.runs("task5a")["no dropout"],
    "AlexNet b64 (Task 8)": lab.runs("task8")["no augmentation"],
}


def epoch_of(config: RunConfig, images: int) -> Callable[[], object]:
    """Something that trains an epoch on noise."""
    x, y = made_up_images(images)
    files = tuple(f"{i}.jpg" for i in range(images))
    data = Dataset("skin", x, y, x[:2], y[:2], ("Mel", "Nev"), files, files[:2], "phantom", "0" * 12, ROOT)
    model = compiled_model(config, 2, "float32")
    from labutils.training.epoch import Batches

    batches = Batches(config, data)
    return lambda: model.fit(feed(batches), shuffle=False, verbose=0)


def milliseconds(call: Callable[[], object], images: int) -> float:
    """What `call` takes for each image."""
    started = time.perf_counter()
    call()
    return 1e3 * (time.perf_counter() - started) / images


def main() -> None:
    """Print a row for each network."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--images", type=int, default=64)
    given = parser.parse_args()
    n = given.images
    x, _ = made_up_images(n)
    alone = min(milliseconds(lambda: augment_batch(x, lab.AUGMENTATION, range(n)), n) for _ in range(given.rounds))
    print(
        f"{machine.threads()} threads, {n} images, {given.rounds} rounds; changing an image alone takes {alone:.2f} ms"
    )
    for name, config in NETWORKS.items():
        plain = epoch_of(config, n)
        augmented = epoch_of(config.with_(augmentation=lab.AUGMENTATION), n)
        plain(), augmented()
        rounds = [(milliseconds(plain, n), milliseconds(augmented, n)) for _ in range(given.rounds)]
        before, after = (statistics.median(times) for times in zip(*rounds, strict=True))
        ratio = statistics.median(b / a for a, b in rounds)
        print(f"{name:22}{before:8.2f} ms an image plain{after:8.2f} augmented{ratio:7.3f} times", flush=True)


if __name__ == "__main__":
    main()
