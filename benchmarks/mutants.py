"""Plant faults in an installed copy of the package, one at a time, and see whether the tests notice: `make mutants`.

Each fault is one that a reader of the results would never see: a number that is off by a little, or a network that
learns from what it is judged on. The copy lies apart from the tests, as pip would put it, and the few tests that should
notice run against it; without a fault they must be green. Some ten minutes; the exit status is 1 if a fault survives.
`python benchmarks/mutants.py WORD ...` plants those alone whose names hold one of the words.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Fault:
    """A text of a module, what it becomes, and the tests that should notice, as pytest takes them."""

    name: str
    module: str
    old: str
    new: str
    tests: tuple[str, ...]


def golden(feature: str) -> tuple[str, ...]:
    """The stored history of one feature."""
    return ("test_training_golden.py", "-k", f"two_epochs and {feature}")


_NORM = """            if batch_norm:
                x = layers.BatchNormalization(name=f"{block}_norm{i}")(x)
"""
_RELU = """            x = layers.ReLU(name=f"{block}_relu{i}")(x)
"""
MCNEMAR = ("test_evaluate_compare.py", "-k", "mcnemar")
_AUGMENTED = """            from labutils.augment import augment_batch
            seeds = [[0, i] for i in range(len(dataset.y_val))]
            augmented = augment_batch(np.asarray(dataset.x_val), config.augmentation, seeds)
            batches.dataset = replace(dataset, x_val=augmented)
"""

FAULTS = (
    Fault(
        "labels swapped", "data/layouts.py", '"Skin", "Mel", "Nev"', '"Skin", "Nev", "Mel"', ("test_data_layouts.py",)
    ),
    Fault("McNemar off by one", "statistics.py", "range(min(a, b) + 1)", "range(min(a, b))", MCNEMAR),
    Fault("McNemar one-sided", "statistics.py", "min(2 * sum(comb", "min(sum(comb", MCNEMAR),
    Fault(
        "Wilson's z of another confidence",
        "statistics.py",
        "inv_cdf((1 + confidence) / 2)",
        "inv_cdf(confidence)",
        ("test_statistics.py", "-k", "wilson"),
    ),
    Fault(
        "p-values not adjusted",
        "statistics.py",
        "(len(p_values) - i) * p_values[name]",
        "p_values[name]",
        ("test_statistics.py", "-k", "holm"),
    ),
    Fault(
        "pairs on the exam not adjusted",
        "evaluate/effects.py",
        "differ = holm({name: effect.p for name, effect in effects.items()})",
        "differ = {name: effect.p for name, effect in effects.items()}",
        ("test_evaluate_effects.py", "-k", "several_settings"),
    ),
    Fault(
        "a sentence with a limit of its own",
        "evaluate/sentences.py",
        '_ask("over-fitting", (name, runs), limits=(OVERFITS,))',
        '_ask("over-fitting", (name, runs), limits=(0.02,))',
        ("test_evaluate_sentences.py", "-k", "contradicts"),
    ),
    Fault(
        "one seed taken for the setting",
        "evaluate/effects.py",
        "known = prior or Spread()",
        "prior = None\n    known = Spread()",
        ("test_evaluate_effects.py", "-k", "one_seed"),
    ),
    Fault(
        "the simple model chosen on the exam",
        "audit/baselines.py",
        "    top = max((one for one in models if",
        "    top = max((one for one in (on_exam.models if on_exam else models) if",
        ("test_audit_baselines.py", "-k", "not_drawn"),
    ),
    Fault("dropout never applied", "models.py", "        if dropout:\n", "        if False:\n", golden("rate")),
    Fault(
        "the same units dropped in every epoch",
        "training/epoch.py",
        "SeedSequence([seed, epoch, 1, number])",
        "SeedSequence([seed, 0, 1, number])",
        golden("rate"),
    ),
    Fault(
        "ReLU before batch normalization", "models.py", _NORM + _RELU, _RELU + _NORM, ("test_models.py", "-k", "order")
    ),
    Fault(
        "learning rate ignored",
        "training/backend.py",
        "Adam(config.learning_rate)",
        "Adam(1e-3)",
        golden("rate"),
    ),
    Fault(
        "seed of the weights ignored",
        "models.py",
        "SeedSequence([seed, zlib.crc32(name.encode())])",
        "SeedSequence([0, zlib.crc32(name.encode())])",
        ("test_models.py", "-k", "seed"),
    ),
    Fault(
        "seed of the order ignored",
        "training/epoch.py",
        "default_rng([self.config.seed, epoch, 0])",
        "default_rng([0, epoch, 0])",
        golden("rate"),
    ),
    Fault(
        "the same order in every epoch",
        "training/epoch.py",
        "default_rng([self.config.seed, epoch, 0])",
        "default_rng([self.config.seed, 0, 0])",
        golden("plain"),
    ),
    Fault(
        "batch size ignored",
        "training/epoch.py",
        "size, n = self.config.batch_size, len(self.labels)",
        "size, n = 8, len(self.labels)",
        golden("rate"),
    ),
    Fault(
        "validation images used for training",
        "training/epoch.py",
        "images = np.asarray(self.dataset.x_train[chosen])",
        "images = np.asarray(self.dataset.x_val[chosen % len(self.dataset.x_val)])",
        golden("plain"),
    ),
    Fault(
        "validation loss of the training images",
        "training/epoch.py",
        "predictions = predict(self.model, data.x_val)",
        "predictions = predict(self.model, data.x_train[: len(data.x_val)])",
        golden("plain"),
    ),
    Fault(
        "validation images augmented",
        "training/epoch.py",
        "            life = Life(",
        _AUGMENTED + "            life = Life(",
        golden("augmentation"),
    ),
    Fault(
        "the same augmentation in every epoch",
        "training/epoch.py",
        "[self.config.seed, self.epoch, 2, int(i)]",
        "[self.config.seed, 0, 2, int(i)]",
        golden("augmentation"),
    ),
    Fault(
        "exam used for choosing the epoch",
        "evaluate/exam.py",
        "{BEST: run.best_epoch,",
        "{BEST: exam and max(exam.epochs, key=lambda e: hits(exam.at(e), exam.y).mean()),",
        ("test_evaluate_exam.py", "-k", "best_validation_epoch"),
    ),
    Fault(
        "exam images are training images",
        "phantoms/write.py",
        "address.split, address.label, address.number",
        "0, address.label, address.number",
        ("test_phantoms_write.py", "-k", "shares_no_picture"),
    ),
    Fault(
        "best epoch by the training accuracy",
        "runs/run.py",
        'np.argmax(self.history["val_accuracy"])',
        'np.argmax(self.history["accuracy"])',
        ("test_evaluate_metrics.py", "test_evaluate_compare.py", "-k", "best_epoch or agrees"),
    ),
    Fault(
        "the optimizer forgotten when a training goes on",
        "training/checkpoint.py",
        "        variable.assign(saved)\n",
        '        if name.startswith("weight"):\n            variable.assign(saved)\n',
        ("test_training_train.py", "-k", "extended_to_six"),
    ),
    Fault(
        "dropout left out of a run's key",
        "config.py",
        'exclude={"epochs"}, exclude_defaults',
        'exclude={"epochs", "dropout"}, exclude_defaults',
        ("test_config.py", "-k", "another_run"),
    ),
)


def main(words: list[str]) -> int:
    """Plant the faults and print what became of them; 1 if one survived."""
    chosen = [fault for fault in FAULTS if not words or any(word in fault.name for word in words)]
    survivors, green = 0, set[tuple[str, ...]]()
    with tempfile.TemporaryDirectory() as temporary:
        installed, checks = Path(temporary) / "installed", Path(temporary) / "checks"
        ignored = shutil.ignore_patterns("__pycache__", ".*")
        shutil.copytree(ROOT / "labutils", installed / "labutils", ignore=ignored)
        shutil.copytree(ROOT / "tests", checks / "tests", ignore=ignored)
        for file in ("pyproject.toml", "conftest.py"):
            shutil.copy(ROOT / file, checks)
        for fault in chosen:
            started = time.monotonic()
            if fault.tests not in green and (said := fails(installed, checks, fault.tests)):
                print(said)
                sys.exit(f"Without a fault, {' '.join(fault.tests)} has to be green. Mend that first.")
            green.add(fault.tests)
            caught = planted(fault, installed, checks)
            survivors += not caught
            seconds = time.monotonic() - started
            print(
                f"{'caught' if caught else 'SURVIVES':8}  {fault.name:50} {fault.tests[0]:32} {seconds:4.0f} s",
                flush=True,
            )
    print(f"{len(chosen) - survivors} of {len(chosen)} faults are caught.")
    return int(survivors > 0)


def planted(fault: Fault, installed: Path, checks: Path) -> bool:
    """Whether the tests notice; the module is put back afterwards."""
    module = installed / "labutils" / fault.module
    before = module.read_text(encoding="utf-8")
    if before.count(fault.old) != 1:
        sys.exit(
            f"{fault.module} holds {before.count(fault.old)} times {fault.old!r}: bring {fault.name!r} up to date."
        )
    module.write_text(before.replace(fault.old, fault.new), encoding="utf-8")
    try:
        return bool(fails(installed, checks, fault.tests))
    finally:
        module.write_text(before, encoding="utf-8")


def fails(installed: Path, checks: Path, tests: tuple[str, ...]) -> str:
    """What failing tests print, or nothing if all are green."""
    options = [f"tests/{test}" if test.endswith(".py") else test for test in tests]
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-p", "no:xdist", *options]
    settings = {"PYTHONPATH": str(installed), "PYTHONDONTWRITEBYTECODE": "1", "LABUTILS_DATA": str(ROOT / "data")}
    done = subprocess.run(command, cwd=checks, env=os.environ | settings, capture_output=True, text=True)
    if done.returncode not in (0, 1):  # a fault that nothing can be imported with proves nothing
        sys.exit(f"{' '.join(command)} could not run:\n{done.stdout[-3000:]}{done.stderr[-1000:]}")
    return done.stdout if done.returncode else ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
