"""One training step, five ways, side by side: what the package does, without its steps at once, plain Keras, PyTorch.

    python benchmarks/bench_training.py [--rounds 7] [--images 200] [--torch-python PYTHON] [NETWORK ...]

Every way runs in a process of its own, because TensorFlow chooses its kernels when it is imported. The processes take
turns, one epoch of `--images` images each, so that whatever else the machine does falls on all of them; a speed-up is
the median over the rounds of the ratio within a round. The first epochs of each are not counted.

- ours: `labutils.training.engine.Trainer`, as every run is trained;
- 1 step: the same, back in Python after every step instead of every few;
- plain: `model.fit` with Keras's own layers, as the lab's report trained, and whatever kernels TensorFlow chooses on
  this processor;
- Eigen: the same with TensorFlow's own kernels, which it chooses on processors without AVX-512 VNNI;
- PyTorch: eager, same network, same optimizer. Left out, and said so, where torch cannot be imported;
  `--torch-python` names an interpreter that has it.

The last columns go by CPU time, which depends little on what else runs: how much of a matrix product's operations a
second (largest of all rounds) the best epoch reaches, what an image costs, and the ratio to ours. PyTorch is the
exception: its threads spin while they wait for each other, so its figures mean something on a quiet machine only.
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
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from labutils.config import RunConfig  # noqa: E402
from labutils.models import ARCHITECTURES, describe  # noqa: E402

NETWORKS = {
    "vgg16-b8": ("vgg16", 8, 1.8),
    "alexnet-b8": ("alexnet", 8, 1.8),
    "vgg16-b16": ("vgg16", 16, 1.25),
    "alexnet-b32": ("alexnet", 32, 1.25),
}
"""Name -> architecture, n_base, and the speed-up that is aimed at."""
KERNELS = {
    "ours": {},
    "1 step": {},
    "plain": {},
    "Eigen": {"TF_ENABLE_ONEDNN_OPTS": "0"},
    "PyTorch": {},
}
"""Way -> what its process finds in the environment."""


def settings(network: str) -> RunConfig:
    name, n_base, _ = NETWORKS[network]
    return RunConfig(dataset="skin", model=name, n_base=n_base, learning_rate=1e-5, epochs=1)


def made_up_images(n: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.random((n, 128, 128, 1), dtype=np.float32), rng.integers(0, 2, n)


def step_by_step(network: str, images: int) -> Callable[[], object]:
    from labutils.training import engine

    engine.STEPS_AT_ONCE = 1
    return ours(network, images)


def ours(network: str, images: int) -> Callable[[], object]:
    from labutils.training.engine import Trainer

    from labutils.data.dataset import Dataset

    x, y = made_up_images(images)
    files = tuple(f"{i}.jpg" for i in range(images))
    data = Dataset("skin", x, y, x[:2], y[:2], ("Mel", "Nev"), files, files[:2], "phantom", "0" * 12, ROOT)
    trainer = Trainer(settings(network), data)
    return lambda: trainer.train_epoch(0)


def plain(network: str, images: int) -> Callable[[], object]:
    import keras

    from labutils.layers import MaxPooling2D
    from labutils.models import build_model

    def own_pooling(layer: keras.Layer) -> keras.Layer:
        if isinstance(layer, MaxPooling2D):
            return keras.layers.MaxPooling2D(2, name=layer.name)
        return type(layer).from_config(layer.get_config())

    config = settings(network)
    model = keras.models.clone_model(build_model(config), clone_function=own_pooling)
    model.compile(keras.optimizers.Adam(1e-5), "binary_crossentropy", metrics=["accuracy"], jit_compile=False)
    x, y = made_up_images(images)
    y = y.astype("float32")[:, None]
    return lambda: model.fit(x, y, batch_size=config.batch_size, verbose=0)


def pytorch(network: str, images: int) -> Callable[[], object]:
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
            loss(model(pixels[chosen]), labels[chosen]).backward()
            optimizer.step()

    return epoch


WAYS = {"ours": ours, "1 step": step_by_step, "plain": plain, "Eigen": plain, "PyTorch": pytorch}


class Way:
    """A process that trains one epoch whenever it is asked to."""

    def __init__(self, way: str, network: str, images: int, python: str) -> None:
        environment = {k: v for k, v in os.environ.items() if k != "TF_ENABLE_ONEDNN_OPTS"}
        environment |= {"TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONUNBUFFERED": "1"} | KERNELS[way]
        command = [python, __file__, "--worker", way, "--images", str(images), network]
        self.process = subprocess.Popen(
            command,
            env=environment,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )

    def epoch(self) -> tuple[float, float]:
        """Seconds by the clock and seconds of CPU time."""
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write("epoch\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"A process ended early: {' '.join(map(str, self.process.args))}. Run it to see why.")
        return tuple(json.loads(line))

    def stop(self) -> None:
        self.process.communicate()


def work(way: str, network: str, images: int) -> None:
    """Train an epoch for every line that comes in; answer with its seconds."""
    epoch = WAYS[way](network, images)
    for _ in sys.stdin:
        started, used = time.perf_counter(), time.process_time()
        epoch()
        print(json.dumps((time.perf_counter() - started, time.process_time() - used)), flush=True)


def product_speed() -> tuple[float, float]:
    """Floating-point operations of a matrix product on all cores: a second by the clock, and a second of CPU time."""
    a = np.ones((1536, 1536), np.float32)
    a @ a
    clock, cpu = [], []
    for _ in range(10):
        started, used = time.perf_counter(), time.process_time()
        a @ a
        clock.append(time.perf_counter() - started)
        cpu.append(time.process_time() - used)
    return 2 * len(a) ** 3 / min(clock), 2 * len(a) ** 3 / min(cpu)


def compare(network: str, ways: dict[str, str], rounds: int, images: int) -> None:
    """Print a table of one network; `ways` is way -> interpreter."""
    processes = {way: Way(way, network, images, python) for way, python in ways.items()}
    try:
        for process in processes.values():
            process.epoch(), process.epoch()
        seconds: dict[str, list[tuple[float, float]]] = {way: [] for way in ways}
        peaks = []
        for number in range(rounds):
            peaks.append(product_speed())
            # Another one first in each round: it would be slowed by what the product leaves behind.
            turn = number % len(ways)
            for way in [*ways][turn:] + [*ways][:turn]:
                seconds[way].append(processes[way].epoch())
    finally:
        for process in processes.values():
            process.stop()
    (peak, core), flops = np.max(peaks, axis=0), 6 * describe(settings(network)).multiply_adds
    sgemm = f"sgemm {peak / 1e9:.0f} GFLOP/s on {os.cpu_count()} cores, {core / 1e9:.0f} a CPU second"
    print(f"\n{network}, batch 8, 128x128x1; {sgemm}; aim {NETWORKS[network][2]}x plain")
    print(f"{'':10}{'ms/image':>9}{'fastest':>9}{'ours is':>9}{'of sgemm':>10}{'CPU ms/image':>14}{'CPU ratio':>11}")
    for way, times in seconds.items():
        clock, cpu = zip(*times, strict=True)
        ratio = statistics.median(t[0] / o[0] for t, o in zip(times, seconds["ours"], strict=True))
        cpu_ratio = statistics.median(t[1] / o[1] for t, o in zip(times, seconds["ours"], strict=True))
        middle = statistics.median(clock) / images
        print(
            f"{way:10}{1e3 * middle:9.2f}{1e3 * min(clock) / images:9.2f}{ratio:8.2f}x"
            f"{flops * images / min(cpu) / core:10.0%}{1e3 * statistics.median(cpu) / images:14.2f}{cpu_ratio:10.2f}x",
            flush=True,
        )


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
    ways = dict.fromkeys(WAYS, sys.executable) | {"PyTorch": arguments.torch_python}
    if shutil.which(ways["PyTorch"]) is None:
        parser.error(f"--torch-python {ways['PyTorch']} is no program: give the path of a Python interpreter")
    if subprocess.run([ways["PyTorch"], "-c", "import torch"], capture_output=True).returncode:
        del ways["PyTorch"]
        print("PyTorch is not compared: torch cannot be imported. Give --torch-python, or pip install torch.")
    for network in networks:
        compare(network, ways, arguments.rounds, arguments.images)


if __name__ == "__main__":
    main()
