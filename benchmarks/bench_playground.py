"""The playground's training in the page beside the same one in Keras: `python benchmarks/bench_playground.py [SEEDS]`.

Both train Task 1B's LeNet at a rate of 3e-3 for thirty epochs, with as many seeds (10). Their curves are printed as
mean and spread over seeds; the exit status is 1 if the means differ by more than chance makes of them, three standard
errors at any of five epochs. Seconds are of a fresh process: until the first point is there, and until the last.
"""

import subprocess
import sys
import time

import numpy as np

from labutils.course.widgets import play, small

COLUMNS = ("loss", "accuracy", "val_loss", "val_accuracy")
LOOKED_AT = (2, 5, 10, 20, 30)
IN_PAGE = """([engine, data, seeds, epochs]) => {
  const { trainer } = new Function(`${engine}; return { trainer };`)();
  const images = ({ bytes, labels }) => ({ pixels: Uint8Array.from(atob(bytes), (c) => c.charCodeAt(0)), labels });
  return seeds.map((seed) => {
    const { blocks, dense } = data.networks.lenet;
    const settings = { ...data.fixed, seed, dense, blocks: blocks.map(([n, k, pooled]) => [8 * n, k, pooled]),
      learning_rate: 3e-3 };
    const made = trainer(settings, images(data.images.training), images(data.images.validation), data.measured);
    return [...Array(epochs).keys()].map(() => made.epoch());
  });
}"""
FRESH = f"""
import time
started = time.perf_counter()
import sys; sys.path.insert(0, "benchmarks")
from bench_playground import in_keras
in_keras(0, {small.EPOCHS}, lambda: print(time.perf_counter() - started, flush=True))
"""


def in_keras(seed, epochs, after=lambda: None):
    """Rows of a run's history in the lab's own steps."""
    from labutils.training.backend import compiled_model, feed
    from labutils.training.epoch import Batches, draw_dropout, loss_and_accuracy, predict

    dataset = small.small_dataset("skin", "phantom")
    config = small.config_for("task1b", learning_rate=3e-3, seed=seed)
    model, batches = compiled_model(config, 2, "float32"), Batches(config, dataset)
    rows = []
    for epoch in range(epochs):
        batches.draw(epoch)
        draw_dropout(model, seed, epoch)
        history = model.fit(feed(batches), shuffle=False, verbose=0).history
        val = loss_and_accuracy(predict(model, dataset.x_val), dataset.y_val)
        rows.append([history["loss"][0], history["accuracy"][0], *val])
        after()
    return rows


def in_page(seeds, epochs):
    """Rows of the histories in Chromium, by seed."""
    from playwright.sync_api import sync_playwright
    from record import chromium

    data = play.page_data("task1b", play.images_of("task1b", "phantom"))
    with sync_playwright() as started:
        page = chromium(started).new_page()
        found = page.evaluate(IN_PAGE, [data["engine"], data, list(seeds), epochs])
    return [[[row[name] for name in COLUMNS] for row in run] for run in found]


def main(seeds=10):
    if seeds < 2:
        sys.exit("A spread takes two seeds at least.")
    dataset = small.small_dataset("skin", "phantom")  # so that neither reads the images first
    print(f"{len(dataset.y_train)} images of {dataset.image_size} pixels, {small.EPOCHS} epochs, {seeds} seeds")
    started = time.perf_counter()
    in_page([0], 1)
    first = time.perf_counter() - started
    in_page([0], small.EPOCHS)
    last = time.perf_counter() - started - first
    print(f"page:  first point after {first:.1f} s, browser's start included; all after {last:.1f} s")
    done = subprocess.run([sys.executable, "-c", FRESH], capture_output=True, text=True, check=True)
    times = [float(line) for line in done.stdout.split()]
    print(f"Keras: first point after {times[0]:.1f} s, imports included; all after {times[-1]:.1f} s")
    page = np.array(in_page(range(seeds), small.EPOCHS))
    keras = np.array([in_keras(seed, small.EPOCHS) for seed in range(seeds)])
    worst = 0.0
    for i, name in enumerate(COLUMNS):
        print(f"\n{name:14}{'page':>16}{'Keras':>16}{'standard errors':>18}")
        for epoch in LOOKED_AT:
            a, b = page[:, epoch - 1, i], keras[:, epoch - 1, i]
            apart = abs(a.mean() - b.mean()) / np.sqrt((a.var(ddof=1) + b.var(ddof=1)) / seeds)
            worst = max(worst, apart)
            said = [f"{values.mean():9.3f} ± {values.std(ddof=1):.3f}" for values in (a, b)]
            print(f"  epoch {epoch:3}   {''.join(said)}{apart:13.1f}")
    sys.exit(int(worst > 3))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
