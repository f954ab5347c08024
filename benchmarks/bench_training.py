"""One training epoch in several ways, side by side: the package, plain Keras and PyTorch, each in two precisions.

    python benchmarks/bench_training.py [--rounds 7] [--images 200] [--torch-python PYTHON] [NETWORK ...]

Every way runs in a process of its own, because a precision and the kernels are chosen when a backend is imported. The
processes take turns, one epoch of `--images` images each, so that whatever else the machine does falls on all of them;
a speed-up is the median over the rounds of the ratio within a round. The first epochs of each are not counted.

- ours, ours bfloat16: the model, the batches and the steps with which every run is trained (`labutils.training`);
- plain, plain bfloat16: `model.fit` with Keras's own layers, as the lab's report trained, and whatever kernels
  TensorFlow chooses on this processor; bfloat16 is Keras's policy `mixed_bfloat16`;
- PyTorch, PyTorch autocast: eager, same network, same optimizer; autocast computes in bfloat16. Left out, and said so,
  where torch cannot be imported; `--torch-python` names an interpreter that has it.

`of peak` is how much of a matrix product's operations a second, in the same precision on the same cores, the fastest
epoch reaches. On a processor without units for bfloat16 that product, and all that trains in it, is slow: that is what
`LABUTILS_PRECISION=auto` measures before it chooses.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from labutils import machine  # noqa: E402
from labutils.config import RunConfig  # noqa: E402
from labutils.models import ARCHITECTURES, describe  # noqa: E402

NETWORKS = {
    "lenet-b8": ("lenet", 8, None),
    "vgg16-b8": ("vgg16", 8, 1.8),
    "alexnet-b8": ("alexnet", 8, None),
    "vgg16-b16": ("vgg16", 16, None),
    "alexnet-b32": ("alexnet", 32, 2.2),
    "alexnet-b64": ("alexnet", 64, 3.0),
    "vgg16-b64": ("vgg16", 64, 5.0),
}
"""Name -> architecture, n_base, and the speed-up over plain Keras that is aimed at on processors with AMX."""

ELSEWHERE = 0.97
"""What the speed-up should not fall below on any processor."""


def settings(network: str) -> RunConfig:
    name, n_base, _ = NETWORKS[network]
    return RunConfig(dataset="skin", model=name, n_base=n_base, learning_rate=1e-5, epochs=1)


def made_up_images(n: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.random((n, 128, 128, 1), dtype=np.float32), rng.integers(0, 2, n)


def ours(network: str, images: int, precision: str = "float32") -> Callable[[], object]:
    from labutils.data.dataset import Dataset
    from labutils.training.backend import compiled_model, feed
    from labutils.training.epoch import Batches

    x, y = made_up_images(images)
    files = tuple(f"{i}.jpg" for i in range(images))
    data = Dataset("skin", x, y, x[:2], y[:2], ("Mel", "Nev"), files, files[:2], "phantom", "0" * 12, ROOT)
    model, batches = compiled_model(settings(network), 2, precision), Batches(settings(network), data)
    return lambda: model.fit(feed(batches), shuffle=False, verbose=0)


def plain(network: str, images: int, precision: str = "float32") -> Callable[[], object]:
    import keras

    from labutils.layers import MaxPooling2D
    from labutils.models import build_model

    def own_pooling(layer: keras.Layer) -> keras.Layer:
        if isinstance(layer, MaxPooling2D):
            return keras.layers.MaxPooling2D(2, name=layer.name)
        return type(layer).from_config(layer.get_config())

    config = settings(network)
    keras.config.set_dtype_policy("mixed_bfloat16" if precision == "bfloat16" else "float32")
    model = keras.models.clone_model(build_model(config), clone_function=own_pooling)
    model.compile(keras.optimizers.Adam(1e-5), "binary_crossentropy", metrics=["accuracy"], jit_compile=False)
    x, y = made_up_images(images)
    y = y.astype("float32")[:, None]
    return lambda: model.fit(x, y, batch_size=config.batch_size, verbose=0)


def pytorch(network: str, images: int, precision: str = "float32") -> Callable[[], object]:
    import torch
    from torch import nn

    config = settings(network)
    architecture = ARCHITECTURES[config.model]
    layers: list[nn.Module] = []
    channels, side = config.channels, config.image_size
    for number, (multiple, repeats) in enumerate(architecture.blocks, start=1):
        for _ in range(repeats):
            layers += [nn.Conv2d(channels, multiple * config.n_base, 3, padding=1), nn.ReLU()]
            channels = multiple * config.n_base
        if number in architecture.pools:
            layers.append(nn.MaxPool2d(2))
            side //= 2
    layers.append(nn.Flatten())
    inputs = channels * side * side
    for units in config.hidden:
        layers += [nn.Linear(inputs, units), nn.ReLU()]
        inputs = units
    model = nn.Sequential(*layers, nn.Linear(inputs, 1))
    optimizer, loss = torch.optim.Adam(model.parameters(), 1e-5), nn.BCEWithLogitsLoss()
    x, y = made_up_images(images)
    pixels, labels = torch.from_numpy(x.transpose(0, 3, 1, 2).copy()), torch.from_numpy(y).float()[:, None]

    def epoch() -> None:
        for chosen in torch.randperm(images).split(config.batch_size):
            optimizer.zero_grad()
            with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
                value = loss(model(pixels[chosen]), labels[chosen])
            value.backward()
            optimizer.step()

    return epoch


def product(network: str, images: int, precision: str = "float32") -> Callable[[], object]:
    """A large matrix product: the most that the cores can do in this precision."""
    import tensorflow as tf

    matrix = tf.ones((SIDE, SIDE), tf.bfloat16 if precision == "bfloat16" else tf.float32)
    return lambda: float(tf.matmul(matrix, matrix)[0, 0])


SIDE = 1536
WAYS: dict[str, tuple[Callable[..., Callable[[], object]], str]] = {
    "ours": (ours, "float32"),
    "ours bfloat16": (ours, "bfloat16"),
    "plain": (plain, "float32"),
    "plain bfloat16": (plain, "bfloat16"),
    "PyTorch": (pytorch, "float32"),
    "PyTorch autocast": (pytorch, "bfloat16"),
    "product": (product, "float32"),
    "product bfloat16": (product, "bfloat16"),
}
"""Way -> what makes its epoch, and the precision."""


class Way:
    """A process that trains one epoch whenever it is asked to."""

    def __init__(self, way: str, network: str, images: int, python: str) -> None:
        environment = {k: v for k, v in os.environ.items() if k != "TF_ENABLE_ONEDNN_OPTS"}
        environment |= {"TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONUNBUFFERED": "1"}
        command = [python, __file__, "--worker", way, "--images", str(images), network]
        self.process = subprocess.Popen(
            command,
            env=environment,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )

    def epoch(self) -> float:
        """Seconds by the clock."""
        assert self.process.stdin and self.process.stdout
        line = ""
        with suppress(BrokenPipeError):  # it has ended: said below
            self.process.stdin.write("epoch\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"A process ended early: {' '.join(map(str, self.process.args))}. Run it to see why.")
        return float(json.loads(line))

    def stop(self) -> None:
        with suppress(BrokenPipeError):
            self.process.communicate()


def work(way: str, network: str, images: int) -> None:
    """Train an epoch for every line that comes in; answer with its seconds."""
    make, precision = WAYS[way]
    epoch = make(network, images, precision)
    for _ in sys.stdin:
        started = time.perf_counter()
        epoch()
        print(json.dumps(time.perf_counter() - started), flush=True)


def compare(network: str, ways: dict[str, str], rounds: int, images: int) -> None:
    """Print a table of one network; `ways` is way -> interpreter."""
    processes = {way: Way(way, network, images, python) for way, python in ways.items()}
    try:
        for process in processes.values():
            process.epoch(), process.epoch()
        seconds: dict[str, list[float]] = {way: [] for way in ways}
        for number in range(rounds):
            turn = number % len(ways)  # another one first in each round
            for way in [*ways][turn:] + [*ways][:turn]:
                seconds[way].append(processes[way].epoch())
    finally:
        for process in processes.values():
            process.stop()
    peaks = {precision: 2 * SIDE**3 / min(seconds[way]) for way, (make, precision) in WAYS.items() if make is product}
    flops, aim = 6 * describe(settings(network)).multiply_adds, NETWORKS[network][2]
    said = ", ".join(f"{precision} {peak / 1e9:.0f}" for precision, peak in peaks.items())
    print(f"\n{network}, batch 8, 128x128x1; matrix products, GFLOP/s on {machine.cores()} cores: {said}")
    print(f"speed-up over plain Keras in float32; aim with AMX: {aim or '-'}, never below {ELSEWHERE}")
    print(f"{'':18}{'ms/image':>9}{'fastest':>9}{'speed-up':>10}{'of peak':>9}")
    for way, times in seconds.items():
        if WAYS[way][0] is product:
            continue
        ratio = statistics.median(p / t for p, t in zip(seconds["plain"], times, strict=True))
        share = flops * images / min(times) / peaks[WAYS[way][1]]
        middle, fastest = (1e3 * of(times) / images for of in (statistics.median, min))
        print(f"{way:18}{middle:9.2f}{fastest:9.2f}{ratio:9.2f}x{share:9.0%}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="*", metavar="NETWORK", help=f"of {', '.join(NETWORKS)}; default all")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--images", type=int, default=200)
    parser.add_argument("--torch-python", default=sys.executable, help="an interpreter that has torch and pydantic")
    parser.add_argument("--worker", choices=WAYS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    networks = arguments.networks or list(NETWORKS)
    if unknown := set(networks) - set(NETWORKS):
        parser.error(f"{', '.join(sorted(unknown))}: there are {', '.join(NETWORKS)}")
    if arguments.worker:
        work(arguments.worker, networks[0], arguments.images)
        return
    torch = arguments.torch_python
    if shutil.which(torch) is None:
        parser.error(f"--torch-python {torch} is no program: give the path of a Python interpreter")
    ways = {way: torch if make is pytorch else sys.executable for way, (make, _) in WAYS.items()}
    needed = subprocess.run([torch, "-c", "import torch, numpy, pydantic"], capture_output=True, text=True)
    if needed.returncode:
        ways = {way: python for way, python in ways.items() if WAYS[way][0] is not pytorch}
        why = (needed.stderr.splitlines() or ["it ended at once"])[-1]
        print(f"PyTorch is not compared: {why}. Give --torch-python an interpreter with torch, numpy and pydantic.")
    for network in networks:
        compare(network, ways, arguments.rounds, arguments.images)


if __name__ == "__main__":
    main()
