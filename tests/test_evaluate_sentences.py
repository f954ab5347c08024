"""Every sentence made from runs is reached, says what its finding says, and agrees with the claims' verdicts."""

import ast
import re
from dataclasses import replace

import numpy as np
import pytest
from evaluate_helpers import make_run, run_from_predictions, with_exam

from labutils import evaluate, lab, paths
from labutils.evaluate import rules as r
from labutils.evaluate import sentences as s
from labutils.runs.store import RunStore

CONFIG = lab.runs("task5a")["no dropout"]
ELSEWHERE = {"wrong": 24, "shift": 60}


def run(config=CONFIG, **settings):
    """A setting of one seed."""
    return [make_run(config, **settings)]


def says(name, *about, **words):
    """What is said, which must be what its findings say."""
    told = s.sentence(name, *about, **words)
    assert [wrong for said in told for wrong in s.disagreements(said)] == []
    return " ".join(said.text for said in told)


def rates(high, low, epochs=100):
    """Settings at two rates from confidences by epoch."""
    return {
        label: run(lab.runs("task1b")[label].with_(epochs=epochs), wrong=20, confidence=confidence)
        for label, confidence in (("lr 1e-4", high), ("lr 1e-5", low))
    }


def lost(settings, epoch=0):
    """The setting after its loss has become no number."""
    broken = np.where(np.arange(settings[0].epochs) < epoch, settings[0].history["val_loss"], np.nan)
    return [replace(settings[0], history=settings[0].history | {"val_loss": broken})]


def rising(epochs, top=0.85, length=100):
    return np.minimum(0.5 + (top - 0.5) * np.arange(1, length + 1) / epochs, top)


UP, GUESSING = np.r_[rising(10)[:50], np.full(50, 0.995)], np.full(100, 0.51)


@pytest.mark.parametrize(
    "high, low, said",
    [
        (UP, rising(50), "1e-4 is faster.*smoothed over 10.*as it goes by.*comes as low as.*loss lr 1e-4 over-fits"),
        (rising(10), rising(50), "1e-4 is faster.*comes as low as.*does not over-fit within its epochs"),
        (rising(10), rising(50, top=0.7), "1e-4 is faster.*comes lower than lr 1e-5: lower by \\+0.1"),
        (np.r_[rising(10)[:50], np.full(50, 0.97)], rising(50), "hether lr 1e-4 over-fits by its loss cannot be"),
        (GUESSING, rising(50), "is too high: lr 1e-4: lowest validation loss 0.[67]"),
        (rising(5, top=0.65), rising(50), "does not come as low"),
        (rising(80), rising(50), "1e-4 is no faster than"),
        (rising(50), rising(50), "1e-4 is no faster than.*comes as low as"),
        (rising(50), GUESSING, "^lr 1e-5 has barely started"),
        (GUESSING, GUESSING, "^Both have barely started"),
        ([0.49], [0.48], "^Both have barely started: lr 1e-4: lowest validation loss 0.709 in 1 epoch, guessing"),
        ([0.6], [0.49], "^lr 1e-5 has barely started: .*0.7.*in 1 epoch"),
        ([0.49], [0.6], "^lr 1e-4 has barely started"),
        ([0.7], [0.7], "after 1 and 1 epochs.*1 epoch of lr 1e-4: not enough to see over-fitting"),
        ([0.45] * 9 + [0.6], [0.45] * 9 + [0.6], "the epochs are too few to compare their speed"),
    ],
)
def test_what_the_highest_rate_does(high, low, said):
    text = says("rate", rates(high, low, len(high)))
    assert re.search(said, text), text


def test_a_rate_that_diverges_is_too_high_and_anything_else_is_not_said_of_it():
    settings = rates(rising(10), rising(50))
    assert "lr 1e-4 is too high" in says("rate", settings | {"lr 1e-4": lost(settings["lr 1e-4"])})
    slow = says("rate", settings | {"lr 1e-5": lost(settings["lr 1e-5"], epoch=7)})
    assert slow == "lr 1e-5 diverged: its validation loss is no number from epoch 8 on."
    assert says("rate", {"lr 1e-5": settings["lr 1e-5"]}) == s.NOT_HERE
    for name, *about in (("gap", run(), lost(run())), ("over-fitting", lost(run())), ("lead", lost(run()), run())):
        assert "diverged: its validation loss is no number from epoch 1 on" in says(name, *about)
    assert "b diverged" in says("depth", {"a": run(), "b": lost(run())})


@pytest.mark.parametrize(
    "settings, epochs, said",
    [
        ([{"loss": 0.69, "confidence": 0.51}], 50, "has barely started"),
        ([{"loss": 0.69}, {"loss": 0.5}], 50, "started at some seeds only.*0.690, 0.500 at lr 1e-4"),
        ([{"loss": 0.5, "confidence": np.linspace(0.5, 0.8, 50)}], 50, "unfinished: smoothed over 10 epochs"),
        ([{"loss": 0.3, "confidence": 0.8}], 50, "has arrived"),
        ([{"loss": 0.3}, {"loss": 0.5, "confidence": np.linspace(0.5, 0.8, 50)}], 50, "arrived cannot be told"),
        ([{"loss": 0.69}], 1, "barely started.*the last 1 of 1 epoch is"),
        ([{"loss": 0.5}], 1, "^Too few epochs"),
    ],
)
def test_whether_a_small_rate_has_started(settings, epochs, said):
    configs = [CONFIG.with_(seed=seed, epochs=epochs) for seed in range(len(settings))]
    seeds = [make_run(config, **own) for config, own in zip(configs, settings, strict=True)]
    assert re.search(said, says("started", seeds))


@pytest.mark.parametrize("name, about", [("gap", 2), ("catch up", 2), ("over-fitting", 1)])
def test_a_gap_is_not_read_from_ten_epochs(name, about):
    """A network that has learned nothing in one epoch has a gap of any size, which says nothing of dropout."""
    for epochs, short in ((10, True), (11, False)):
        runs = [run(CONFIG.with_(epochs=epochs), accuracy=value) for value in (0.99, 0.6)][:about]
        assert ("10 epochs of th" in (text := says(name, *runs)) and "not enough" in text) == short


def test_nine_classes_guess_worse_than_two():
    """ln 9 is 2.197: a loss of 1.2 has left it, and of two classes it would not have."""
    nine = lab.runs("task4")["LeNet (1) lr 1e-5"].with_(epochs=30)
    assert "guessing has 2.197" in says("started", run(nine, loss=2.19))
    assert says("faster", run(nine, confidence=0.5), run(nine, confidence=0.05)).startswith("the second has barely")


WIDE = {"accuracy": 0.98}
CLIMBS, RISES = ({"confidence": [0.8] * 30 + [end] * 20} for end in (0.97, 0.9))
# Each sentence that a finding chooses: what it is about, the word that is found, and what is said of it.
CHOSEN = [
    ("gap", (WIDE, {"accuracy": 0.88}), r.BETTER, r"Dropout narrows the gap: \+13.0 points without it, \+3.0 with it"),
    ("gap", (WIDE, {"accuracy": 0.99, "wrong": 60}), r.WORSE, "Dropout widens the gap"),
    ("gap", (WIDE, {"accuracy": 0.983}), r.SAME, "Dropout leaves the gap as it is"),
    ("gap", (WIDE, {"accuracy": 0.985, "shift": 2}), r.BELOW, "Dropout does not narrow the gap"),
    ("gap", (WIDE, {"accuracy": 0.97, **ELSEWHERE}), r.UNDECIDED, "Whether dropout narrows the gap cannot be told"),
    ("over-fitting", ({"wrong": [20] * 30 + [50] * 20} | CLIMBS,), r.REACHED, "over-fits.*It is wrong more often"),
    ("over-fitting", ({"wrong": 40} | CLIMBS,), r.REACHED, "over-fits.*not wrong more often by then, but surer"),
    ("over-fitting", ({"wrong": 40, **WIDE},), r.BELOW, r"does not over-fit.*It has a wide gap.*\+18.0"),
    ("over-fitting", ({"wrong": 10, "accuracy": 0.95},), r.BELOW, "does not over-fit.*It has no wide gap"),
    ("over-fitting", (RISES | {"wrong": 40},), r.UNDECIDED, "Whether it over-fits by its loss cannot be told"),
    ("catch up", (WIDE, {"wrong": 80}), r.BETTER, "Spatial dropout does not catch up: it lacks .*gap"),
    ("catch up", (WIDE, {"wrong": 30}), r.CLOSE, "Spatial dropout catches up: what it may lack.* gap"),
    ("catch up", (WIDE, {"wrong": 10}), r.WORSE, "Spatial dropout catches up"),
    ("catch up", ({"wrong": 34, "shift": 60}, {"wrong": 26}), r.NO_BETTER, "Spatial dropout catches up"),
    ("catch up", (WIDE, {"wrong": 34, "shift": 60}), r.UNDECIDED, "Whether spatial dropout catches up cannot be told"),
    ("better", ({"wrong": 40}, {"wrong": 10}), r.BETTER, r"Dropout makes the better .*: \+15.0 .*seed 0 \(Mc"),
    ("better", ({"wrong": 40}, {"wrong": 80}), r.WORSE, "Dropout makes the worse network here"),
    ("better", ({"wrong": 40}, ELSEWHERE), r.UNDECIDED, "Whether dropout makes the better network cannot be told"),
    ("better", ({"wrong": 40}, {"wrong": 40}), r.CLOSE, r"Whether dropout makes .*cannot be told: \+0.0 \["),
]


@pytest.mark.parametrize("name, settings, word, said", CHOSEN)
def test_a_finding_chooses_its_sentence(name, settings, word, said):
    about = [run(**own) for own in settings]
    [finding, *_] = s.sentence(name, *about)[0].findings
    assert finding.word == word and re.match(f"(By its loss it )?{said}", says(name, *about)), finding


def test_every_word_that_a_sentence_has_is_reached():
    for templates, name in ((s.GAP, "gap"), (s.RISE, "over-fitting"), (s.CATCHES_UP, "catch up")):
        assert set(templates) - {r.SAME} == {word for told, _, word, _ in CHOSEN if told == name} - {r.SAME}


def seeds(share, **settings):
    """Nine runs with an exam on which they are right about so often."""
    configs = [CONFIG.with_(seed=seed) for seed in range(9)]
    moved = zip(configs, (0, 0.004, -0.004) * 3, strict=True)
    return [with_exam(make_run(config, **settings), share + by, noise=0) for config, by in moved]


@pytest.mark.parametrize(
    "name, right, settings, said",
    [
        ("better", 0.9, {}, r"makes the better network here: \+10.0 .*on the exam, 1000 images, 9 seeds"),
        ("better", 0.7, {}, "makes the worse network here"),
        ("better", 0.8, {}, "makes no difference that matters"),
        ("better", 0.808, {}, "cannot be told: .*validation images, seed 0.*; .*on the exam"),
        ("gap", 0.9, {"accuracy": 0.9}, r"Dropout narrows the gap: .*seed by seed: \+8.0, .*\+8.0\)"),
        ("gap", 0.8, WIDE, r"leaves the gap as it is: .*on the exam.*\(on the val.*, seed by seed: nothing, nothing"),
    ],
)
def test_what_the_exam_says_of_several_seeds(name, right, settings, said):
    assert re.search(said, says(name, seeds(0.8, **WIDE), seeds(right, **settings)))


def test_over_seeds_nothing_is_said_without_an_exam():
    """The mean of three seeds is positive, and one of them is not: no effect "on average" is read from that."""
    without, with_ = (
        [make_run(CONFIG.with_(seed=seed), accuracy=value) for seed, value in enumerate(values)]
        for values in ((0.98, 0.98, 0.98), (0.90, 0.99, 0.92))
    )
    said = r"Whether dropout narrows the gap cannot be told: over 3 seeds, which have sat no exam \(on the validation "
    assert re.search(rf"{said}images, seed by seed: \+8.0, -1.0, \+6.0\).$", says("gap", without, with_))


def test_speed_at_one_seed_is_not_said_of_the_setting():
    fast, slow = (run(CONFIG.with_(epochs=100), wrong=10, confidence=rising(epochs)) for epochs in (20, 60))
    text = says("faster", fast, slow, one="a", other="b")
    assert text.startswith("a is faster than b: smoothed over 10 epochs")
    assert "Whether a is faster than b cannot be told: 0.37 of the epochs at one seed: how far seeds" in text


@pytest.mark.parametrize(
    "fixed, said",
    [
        (None, "is above training accuracy in 50 of 50 epochs.$"),
        (0.95, "in 50 of 50 epochs. It is not above measured like validation.* in 0 of 50: the way of measuring makes"),
        (0.75, "It still is above measured like .* in 50 of 50: this network finds these validation images easier"),
    ],
)
def test_why_validation_is_above_training(fixed, said):
    [one] = run(wrong=20, accuracy=0.8)
    columns = {} if fixed is None else {"fixed_accuracy": np.full(50, fixed)}
    assert re.search(said, says("above training", [replace(one, history=one.history | columns)]))
    assert "is not above training accuracy in most epochs: in 0 of 50" in says("above training", run(accuracy=0.95))


def made_up(config, rng):
    """A run that is anything from poor to good, calm to over-fitted."""
    half = config.epochs // 2
    return make_run(
        config,
        wrong=int(rng.integers(10, 60)),
        shift=int(rng.integers(0, 2) * rng.integers(0, 60)),
        accuracy=float(rng.uniform(0.75, 1.0)),
        confidence=np.repeat([0.8, rng.choice([0.8, 0.85, 0.9, 0.95])], [half, config.epochs - half]),
    )


HELD = {"reproduced": True, "not reproduced": False, "undecided": None}
SAYS = {
    "over-fitting": {True: "does not over-fit", False: "By its loss it over-fits", None: "its loss cannot be told"},
    "gap": {True: "narrows the gap: ", False: "widens|leaves the gap|does not narrow", None: "cannot be told"},
    "better": {True: "makes the better", False: "makes the worse", None: "cannot be told"},
}
"""What is said, by whether the claim on the same measure holds, does not, or cannot be told."""


@pytest.mark.parametrize("claim_id, name", [("C19", "over-fitting"), ("C22", "gap"), ("C23", "better")])
def test_no_sentence_contradicts_the_verdict_on_the_same_runs(claim_id, name):
    """On made-up runs of every outcome: C19 is about over-fitting, C22 about one gap, C23 about one accuracy."""
    rng, seen, claim = np.random.default_rng(3), set(), evaluate.CLAIMS[claim_id]
    for _ in range(30):
        runs = {label: made_up(config, rng) for label, config in claim.needs.items()}
        holds = HELD[evaluate.judge(claim_id, runs).verdict]
        seen.add(holds)
        if name == "over-fitting":
            onset = evaluate.gap_table(runs)["over-fits from epoch"].iloc[0]
            assert (onset == "-") is (holds is True) and (onset == "cannot be told") is (holds is None)
        about = [[one] for one in runs.values()]
        text = says(name, *(about[::-1] if name == "better" else about))
        assert re.search(SAYS[name][holds], text), (holds, text)
    assert seen == {True, False, None}


@pytest.mark.parametrize(
    "plain, normed, said",
    [
        (0.7, 0.8, "normalized network is ahead at every epoch: 50 of 50"),
        (0.8, 0.7, "plain network is ahead at every epoch"),
        (0.7, 0.7, "nobody is ahead at any epoch"),
        (np.linspace(0.5, 0.85, 50), 0.7, "hands: normalized first, plain from epoch (2[0-9]|30), lowest losses"),
        (0.7 + 0.1 * np.sin(np.arange(50) / 6), 0.7, "hands: plain first, normalized from .*, plain from epoch"),
    ],
)
def test_who_is_ahead(plain, normed, said):
    text = says("lead", run(wrong=10, confidence=plain), run(wrong=10, confidence=normed))
    assert re.search(f"By the validation loss, smoothed, .*{said}.*not smoothed.*seed 0", text)


def test_whether_accuracy_and_auc_agree_on_the_order():
    good, poor = run(wrong=20), run(wrong=60)
    same = says("depth", {"VGG16": good, "AlexNet": poor})
    assert "By AUC the networks are in the same order as by accuracy: accuracy VGG16 0.900, AlexNet 0.700; AUC" in same
    assert "the paired tests tell some apart: VGG16 and AlexNet < 0.001 (McNemar's p after Holm)" in same
    y = np.arange(200) % 2
    ranks = np.where(y == 1, 0.9, 0.6)[None, :, None]  # every image on its side of the other class, half of it wrong
    apart = [run_from_predictions(CONFIG.with_(epochs=1), ranks, y)]
    assert "By AUC the networks are in another order" in says("depth", {"VGG16": good, "AlexNet": apart})
    assert "no paired test tells any two apart" in says("depth", {"a": good, "b": run(wrong=22)})
    alike = says("depth", {"a": good, "b": good})
    assert "in the same order" in alike and "no paired test tells any two apart" in alike
    assert re.search(r"b is worse than a|a is better than b: \+10.0", says("depth", {"a": seeds(0.9), "b": seeds(0.8)}))


def test_how_the_parameters_compare_depends_on_the_size_of_the_images():
    assert "nearly the same number of parameters" in says("parameters", lab.runs("task1c"))
    at_64 = says("parameters", lab.runs("task1c", image_size=64))
    assert re.search(r"VGG16 has [0-9.]+ times the parameters of AlexNet", at_64)
    assert says("parameters", {"AlexNet": CONFIG}) == s.NOT_HERE


def test_whether_the_reports_setting_is_the_best_of_each_network():
    def tuned(*wrong):
        labels = [f"{net} {own}" for net in ("LeNet", "AlexNet") for own in ("(1) lr 1e-5", "(5) dropout 0.4")]
        configs = lab.runs("task4")
        return {name: run(configs[name], wrong=n, n=225) for name, n in zip(labels, wrong, strict=True)}

    said = says("tuned", tuned(20, 10, 10, 60))
    assert "LeNet: on the validation images nobody has a higher accuracy than the report's choice" in said
    assert "AlexNet: (1) lr 1e-5 is better than the report's choice, (5): +22.2 [" in said
    close = says("tuned", tuned(11, 12, 10, 10))
    assert "LeNet: whether (1) lr 1e-5 is better than the report's choice, (5), cannot be told" in close
    assert "AlexNet: on the validation images nobody has a higher accuracy" in close, "as good is the highest"


def test_without_runs_a_sentence_says_so():
    one = run()
    nothing = [("rate", {}), ("tuned", {}), ("started", None), ("depth", {"a": one})]
    nothing += [(name, []) for name in ("started", "over-fitting", "above training")]
    nothing += [(name, *about) for name in ("gap", "better", "faster", "lead") for about in ((one, None), ([], one))]
    for name, *about in (*nothing, ("catch up", one, None), ("lead", one, run(CONFIG.with_(seed=1)))):
        assert says(name, *about) == s.NOT_HERE, name
    assert says("tuned", {"another": one}).count(s.NOT_HERE) == 2
    with pytest.raises(ValueError, match="no sentence 'gaps'; there are rate, started, gap"):
        s.sentence("gaps")


def test_what_is_told_is_wrapped_between_words(capsys):
    evaluate.tell("gap", run(**WIDE), run(accuracy=0.88), what="word-word " * 30, label="b8")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("b8: Word-word word-word") and len(lines) > 3 and max(map(len, lines)) <= 90


@pytest.fixture(scope="module")
def told():
    """Every sentence on the stored runs of the lab."""
    return list(s.every_sentence(RunStore(paths.results_dir() / "runs").all()))


def test_no_stored_sentence_is_against_its_finding(told):
    assert {task for task, _, _ in told} >= set(s.TOLD)
    assert [(task, about, wrong) for task, about, said in told for wrong in s.disagreements(said)] == []
    assert not [said.text for _, _, said in told if said.text == s.NOT_HERE], "all of them are about stored runs"


OTHER = {
    "cannot be told": "is certain",
    "narrows": "widens",
    "is faster": "is no faster",
    "does not over-fit": "over-fits",
    "makes the better": "makes the worse",
    "has a wide gap": "has no wide gap",
    "is better than": "is worse than",
    "in the same order": "in another order",
    "barely started": "arrived",
    "normalized network is ahead": "plain network is ahead",
    "changes hands": "stays with one",
    "no paired test tells": "the paired tests tell",
    "nearly the same number": "2.0 times the parameters",
}


def test_a_sentence_that_was_tampered_with_is_found(told):
    """Turn one word of a true sentence round, or move one of its numbers: each is seen, in every sentence."""
    seen = set()
    for _, _, said in told:
        for word, instead in OTHER.items():
            if word in said.text and ("hether" not in said.text or word == "cannot be told"):
                seen.add(word)
                assert s.disagreements(said._replace(text=said.text.replace(word, instead))), said.text
        number = re.findall(r"(?<![\w.,])[-+]?\d+\.\d+(?![\w.]*\d)", said.text)[-1:]
        for digits in number:
            moved = said.text[::-1].replace(digits[::-1], f"{float(digits) + 7.77:.3f}"[::-1], 1)[::-1]
            assert s.disagreements(said._replace(text=moved)), (said.text, moved)
    assert seen >= {"cannot be told", "narrows", "is faster", "does not over-fit", "has a wide gap", "is better than"}
    assert s.disagreements(s.Said("Dropout helps.")), "and one without any finding"


def test_what_a_notebook_tells_is_in_the_list():
    for task in lab.TITLES:
        script = ast.parse((paths.notebooks_dir() / f"{task}.py").read_text(encoding="utf-8"))
        calls = [node for node in ast.walk(script) if isinstance(node, ast.Call)]
        names = {ast.literal_eval(c.args[0]) for c in calls if ast.unparse(c.func) == "evaluate.tell"}
        assert names <= {row[0] for row in s.TOLD.get(task, ())}, task
