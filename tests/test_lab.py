"""The lab's runs as data, against the table of tasks."""

import pytest

from labutils import lab
from labutils.errors import ParameterError


def config(task, label):
    return lab.runs(task)[label]


def test_there_are_sixteen_tasks_and_all_but_task_7_train():
    assert len(lab.TITLES) == 16
    assert [task for task in lab.TITLES if not lab.runs(task)] == ["task7"]
    for task in lab.TITLES:
        assert list(lab.reported(task)) == list(lab.runs(task))


def test_number_of_runs_of_each_task():
    numbers = {task.removeprefix("task"): len(lab.runs(task)) for task in lab.TITLES}
    assert numbers == {
        "1b": 3,
        "1c": 2,
        "1d": 3,
        "1e": 3,
        "2": 4,
        "3": 2,
        "4": 14,
        "5a": 2,
        "5b": 4,
        "5c": 2,
        "5d": 2,
        "6a": 2,
        "6b": 2,
        "7": 0,
        "8": 2,
        "9": 2,
    }


@pytest.mark.parametrize(
    "task, label, slug, epochs",
    [
        ("task1b", "lr 1e-4", "skin-vgg16-b8-lr0.0001", 100),
        ("task1b", "lr 1e-6", "skin-vgg16-b8-lr1e-06", 100),
        ("task1c", "AlexNet", "skin-alexnet-b8-lr1e-05-dense64", 150),
        ("task1c", "VGG16", "skin-vgg16-b8-lr1e-05", 150),
        ("task1d", "b16, dropout 0.2", "skin-vgg16-b16-lr1e-05-do0.2", 100),
        ("task1e", "LeNet", "skin-lenet-b8-lr1e-05", 100),
        ("task1e", "AlexNet", "skin-alexnet-b8-lr1e-05", 100),
        ("task2", "b16, dropout 0.2", "bone-vgg16-b16-lr1e-05-do0.2", 100),
        ("task4", "LeNet (6) dropout 0.4, batch 16", "x_ray-lenet-b8-lr1e-05-do0.4-batch16", 100),
        ("task4", "AlexNet (2) b16", "x_ray-alexnet-b16-lr1e-05-dense64", 100),
        ("task5a", "dropout 0.4", "skin-alexnet-b8-lr0.0001-do0.4", 50),
        ("task5b", "batch norm", "skin-alexnet-b8-lr0.0001-bn", 50),
        ("task5b", "batch norm, dropout 0.4", "skin-alexnet-b8-lr0.0001-do0.4-bn", 50),
        ("task5c", "no batch norm", "skin-alexnet-b8-lr1e-05-do0.4", 80),
        ("task5d", "batch norm", "skin-alexnet-b8-lr1e-05-do0.4-bn", 150),
        ("task6a", "spatial dropout 0.1", "skin-alexnet-b32-lr1e-05-do0.4-sd0.1", 150),
        ("task6b", "no spatial dropout", "skin-alexnet-b32-lr1e-05-do0.4", 250),
        ("task8", "augmentation", "skin-alexnet-b64-lr1e-05-dense128x64-do0.4-bn-aug", 80),
        ("task9", "Bone", "bone-vgg16-b64-lr1e-05-do0.4-aug", 80),
    ],
)
def test_settings_are_those_of_the_table(task, label, slug, epochs):
    assert config(task, label).slug == slug
    assert config(task, label).epochs == epochs


def test_augmentation_is_that_of_task_8():
    assert config("task9", "Skin").augmentation == config("task8", "augmentation").augmentation == lab.AUGMENTATION
    assert lab.AUGMENTATION.model_dump() == {
        "rotation": 10,
        "shift": 0.1,
        "horizontal_flip": True,
        "vertical_flip": False,
    }


def test_every_run_has_batch_size_8_but_where_said():
    others = {p.label for p in lab.training_list() if p.config.batch_size != 8 and p.config.seed == 0}
    assert others == {"LeNet (6) dropout 0.4, batch 16", "AlexNet (6) dropout 0.4, batch 16"}


def test_tasks_share_the_runs_that_are_the_same():
    base = config("task1b", "lr 1e-5")
    for task, label in [("task1d", "b8"), ("task1e", "VGG16"), ("task3", "Skin")]:
        assert config(task, label) == base
    assert config("task1c", "VGG16").key == base.key
    assert config("task2", "b8") == config("task3", "Bone")
    assert config("task5b", "no dropout") == config("task5a", "no dropout")
    for short, long in [("task5c", "task5d"), ("task6a", "task6b")]:
        assert [c.key for c in lab.runs(short).values()] == [c.key for c in lab.runs(long).values()]


def test_networks_that_look_alike_are_different_runs():
    assert config("task1c", "AlexNet").key != config("task1e", "AlexNet").key
    assert config("task5c", "no batch norm").key != config("task5a", "dropout 0.4").key


def test_a_change_reaches_every_run():
    quick = lab.runs("task4", epochs=2, image_size=32, n_train=18, n_val=9, seed=5)
    assert list(quick) == list(lab.runs("task4"))
    assert {(c.epochs, c.image_size, c.n_train, c.n_val, c.seed) for c in quick.values()} == {(2, 32, 18, 9, 5)}
    with pytest.raises(ParameterError, match="epochs"):
        lab.runs("task1b", epochs=0)


def test_an_unknown_task_is_refused_with_the_known_ones():
    for function in (lab.runs, lab.reported):
        with pytest.raises(ValueError, match=r"'task1a' is not a task; there are task1b, .*task9"):
            function("task1a")


def test_reported_numbers_are_those_of_the_table():
    said = {
        (task.removeprefix("task"), label): (r.accuracy, r.loss, r.train_accuracy, r.train_loss)
        for task in lab.TITLES
        for label, r in lab.reported(task).items()
        if r != lab.Reported()
    }
    assert said == {
        ("1b", "lr 1e-4"): (0.81, 0.4431, None, None),
        ("1b", "lr 1e-5"): (0.85, 0.4255, None, None),
        ("1b", "lr 1e-6"): (0.80, 0.6907, None, None),
        ("1c", "AlexNet"): (0.815, None, None, None),
        ("1c", "VGG16"): (0.845, None, None, None),
        ("1d", "b8"): (0.845, None, None, None),
        ("1d", "b16"): (0.840, None, None, None),
        ("1d", "b16, dropout 0.2"): (0.855, None, None, None),
        ("2", "b8"): (0.9071, 0.2415, None, None),
        ("3", "Skin"): (0.8500, 0.4255, None, None),
        ("3", "Bone"): (0.9071, 0.2415, None, None),
        ("4", "LeNet (5) dropout 0.4"): (0.9872, 0.0474, None, None),
        ("4", "AlexNet (5) dropout 0.4"): (0.9824, 0.0572, None, None),
        ("5a", "no dropout"): (0.8299, 0.4446, 0.9309, 0.1748),
        ("5a", "dropout 0.4"): (0.8500, 0.4499, 0.8399, 0.3774),
        ("5b", "no dropout"): (0.8299, 0.4446, 0.9309, 0.1748),
        ("5b", "dropout 0.4"): (0.8500, 0.4499, 0.8399, 0.3774),
        ("5b", "batch norm"): (None, None, 1.0, 0.0041),
        ("5b", "batch norm, dropout 0.4"): (None, None, 0.9490, 0.1174),
        ("5c", "no batch norm"): (0.8100, 0.5178, None, None),
        ("5c", "batch norm"): (0.8149, 0.4521, None, None),
        ("5d", "no batch norm"): (0.8299, 0.4736, None, None),
        ("5d", "batch norm"): (0.8399, 0.5679, None, None),
        ("6a", "no spatial dropout"): (0.8249, 0.4755, None, None),
        ("6a", "spatial dropout 0.1"): (0.8050, 0.5006, None, None),
        ("6b", "no spatial dropout"): (0.8399, 0.4306, None, None),
        ("6b", "spatial dropout 0.1"): (0.8450, 0.4725, None, None),
        ("9", "Skin"): (0.8799, 0.3437, None, None),
        ("9", "Bone"): (1.0, 0.0007, None, None),
    }


def test_the_training_list_is_in_order_and_trains_nothing_twice():
    plan = lab.training_list()
    assert [p.stage for p in plan] == sorted(p.stage for p in plan)
    assert {p.stage for p in plan} == set("abcdefgh")
    assert len({(p.config.key, p.config.epochs) for p in plan}) == len(plan)
    epochs: dict[str, int] = {}
    for p in plan:
        assert p.config.epochs > epochs.get(p.config.key, 0)
        epochs[p.config.key] = p.config.epochs


def test_the_training_list_holds_every_run_of_every_task():
    longest: dict[str, int] = {}
    for p in lab.training_list():
        longest[p.config.key] = max(p.config.epochs, longest.get(p.config.key, 0))
    for task in lab.TITLES:
        for wanted in lab.runs(task).values():
            assert longest[wanted.key] >= wanted.epochs


def test_a_stage_repeats_every_small_run_of_the_first_three_with_two_more_seeds():
    plan = lab.training_list()
    again = [p for p in plan if p.stage == "g"]
    first = [p.config for p in plan if p.stage in "abc"]
    assert [p.config.seed for p in again] == [1] * len(first) + [2] * len(first)
    assert [p.config.with_(seed=0) for p in again] == first + first
    assert {p.config.n_base for p in again} == {8, 16}


def longest_planned():
    longest: dict[str, int] = {}
    for p in lab.training_list():
        longest[p.config.key] = max(p.config.epochs, longest.get(p.config.key, 0))
    return longest


@pytest.mark.parametrize(
    "task, labels, seeds",
    [
        ("task5a", ("no dropout", "dropout 0.4"), 8),
        ("task5c", ("no batch norm", "batch norm"), 8),
        ("task4", ("LeNet (1) lr 1e-5", "AlexNet (5) dropout 0.4"), 8),
        ("task4", ("LeNet (2) b16", "AlexNet (7) dropout 0.2"), 2),
        ("task5d", ("batch norm",), 3),
        ("task6a", ("spatial dropout 0.1",), 3),
        ("task6b", ("no spatial dropout",), 3),
        ("task8", ("augmentation",), 3),
        ("task9", ("Skin", "Bone"), 3),
    ],
)
def test_how_many_seeds_a_setting_gets(task, labels, seeds):
    longest = longest_planned()
    for label in labels:
        own = [longest.get(config(task, label).with_(seed=n).key, 0) >= config(task, label).epochs for n in range(9)]
        assert own == [n < seeds for n in range(9)]


def test_the_last_stage_begins_with_the_small_runs_and_has_a_setting_of_ours():
    last = [p for p in lab.training_list() if p.stage == "h"]
    few = [p for p in last if p.config.n_train == lab.FEW_IMAGES]
    assert {p.config.with_(seed=0, n_train=None) for p in few} == set(lab.runs("task5a").values()) and len(few) == 16
    order = list(dict.fromkeys(p.task for p in last))
    assert order == ["task5a", "task3", "task5c", "task4", "task6a", "task8", "task9", "task6b"]


def test_every_run_that_a_claim_leans_on_has_several_seeds():
    from labutils.evaluate import CLAIMS

    longest = longest_planned()
    for claim in CLAIMS.values():
        for needed in claim.needs.values():
            for seed in range(2 if claim.task == "task4" else 3):
                assert longest[needed.with_(seed=seed).key] >= needed.epochs


def test_stand_ins_are_small_and_trained_before_what_they_stand_in_for():
    plan = [p.config for p in lab.training_list()]
    assert {task for task in lab.TITLES if lab.stand_ins(task)} == set(lab.STAND_INS)
    for task in lab.STAND_INS:
        for label, large in lab.runs(task).items():
            small = lab.stand_ins(task)[f"{label}{lab.SMALL_LABEL}"]
            assert small == large.with_(n_base=8, image_size=64) != large
            assert plan.index(small) < plan.index(large)
