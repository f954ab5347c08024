"""The lab's runs as data, against the table of tasks."""

import pytest

from labutils import lab
from labutils.errors import ParameterError

PLAN = """
1b | lr 1e-4 | skin-vgg16-b8-lr0.0001 | 100 | 0.81 0.4431
1b | lr 1e-5 | skin-vgg16-b8-lr1e-05 | 100 | 0.85 0.4255
1b | lr 1e-6 | skin-vgg16-b8-lr1e-06 | 100 | 0.8 0.6907
1c | AlexNet | skin-alexnet-b8-lr1e-05-dense64 | 150 | 0.815 -
1c | VGG16 | skin-vgg16-b8-lr1e-05 | 150 | 0.845 -
1d | b8 | skin-vgg16-b8-lr1e-05 | 100 | 0.845 -
1d | b16 | skin-vgg16-b16-lr1e-05 | 100 | 0.84 -
1d | b16, dropout 0.2 | skin-vgg16-b16-lr1e-05-do0.2 | 100 | 0.855 -
1e | LeNet | skin-lenet-b8-lr1e-05 | 100
1e | AlexNet | skin-alexnet-b8-lr1e-05 | 100
1e | VGG16 | skin-vgg16-b8-lr1e-05 | 100
2 | b8 | bone-vgg16-b8-lr1e-05 | 100 | 0.9071 0.2415
2 | b8, dropout 0.2 | bone-vgg16-b8-lr1e-05-do0.2 | 100
2 | b16 | bone-vgg16-b16-lr1e-05 | 100
2 | b16, dropout 0.2 | bone-vgg16-b16-lr1e-05-do0.2 | 100
3 | Skin | skin-vgg16-b8-lr1e-05 | 100 | 0.85 0.4255
3 | Bone | bone-vgg16-b8-lr1e-05 | 100 | 0.9071 0.2415
4 | LeNet (1) lr 1e-5 | x_ray-lenet-b8-lr1e-05 | 100
4 | LeNet (2) b16 | x_ray-lenet-b16-lr1e-05 | 100
4 | LeNet (3) lr 1e-4 | x_ray-lenet-b8-lr0.0001 | 100
4 | LeNet (4) lr 1e-6 | x_ray-lenet-b8-lr1e-06 | 100
4 | LeNet (5) dropout 0.4 | x_ray-lenet-b8-lr1e-05-do0.4 | 100 | 0.9872 0.0474
4 | LeNet (6) dropout 0.4, batch 16 | x_ray-lenet-b8-lr1e-05-do0.4-batch16 | 100
4 | LeNet (7) dropout 0.2 | x_ray-lenet-b8-lr1e-05-do0.2 | 100
4 | AlexNet (1) lr 1e-5 | x_ray-alexnet-b8-lr1e-05-dense64 | 100
4 | AlexNet (2) b16 | x_ray-alexnet-b16-lr1e-05-dense64 | 100
4 | AlexNet (3) lr 1e-4 | x_ray-alexnet-b8-lr0.0001-dense64 | 100
4 | AlexNet (4) lr 1e-6 | x_ray-alexnet-b8-lr1e-06-dense64 | 100
4 | AlexNet (5) dropout 0.4 | x_ray-alexnet-b8-lr1e-05-dense64-do0.4 | 100 | 0.9824 0.0572
4 | AlexNet (6) dropout 0.4, batch 16 | x_ray-alexnet-b8-lr1e-05-dense64-do0.4-batch16 | 100
4 | AlexNet (7) dropout 0.2 | x_ray-alexnet-b8-lr1e-05-dense64-do0.2 | 100
5a | no dropout | skin-alexnet-b8-lr0.0001 | 50 | 0.8299 0.4446 0.9309 0.1748
5a | dropout 0.4 | skin-alexnet-b8-lr0.0001-do0.4 | 50 | 0.85 0.4499 0.8399 0.3774
5b | no dropout | skin-alexnet-b8-lr0.0001 | 50 | 0.8299 0.4446 0.9309 0.1748
5b | dropout 0.4 | skin-alexnet-b8-lr0.0001-do0.4 | 50 | 0.85 0.4499 0.8399 0.3774
5b | batch norm | skin-alexnet-b8-lr0.0001-bn | 50 | - - 1 0.0041
5b | batch norm, dropout 0.4 | skin-alexnet-b8-lr0.0001-do0.4-bn | 50 | - - 0.949 0.1174
5c | no batch norm | skin-alexnet-b8-lr1e-05-do0.4 | 80 | 0.81 0.5178
5c | batch norm | skin-alexnet-b8-lr1e-05-do0.4-bn | 80 | 0.8149 0.4521
5d | no batch norm | skin-alexnet-b8-lr1e-05-do0.4 | 150 | 0.8299 0.4736
5d | batch norm | skin-alexnet-b8-lr1e-05-do0.4-bn | 150 | 0.8399 0.5679
6a | no spatial dropout | skin-alexnet-b32-lr1e-05-do0.4 | 150 | 0.8249 0.4755
6a | spatial dropout 0.1 | skin-alexnet-b32-lr1e-05-do0.4-sd0.1 | 150 | 0.805 0.5006
6b | no spatial dropout | skin-alexnet-b32-lr1e-05-do0.4 | 250 | 0.8399 0.4306
6b | spatial dropout 0.1 | skin-alexnet-b32-lr1e-05-do0.4-sd0.1 | 250 | 0.845 0.4725
8 | no augmentation | skin-alexnet-b64-lr1e-05-dense128x64-do0.4-bn | 80
8 | augmentation | skin-alexnet-b64-lr1e-05-dense128x64-do0.4-bn-aug | 80
9 | Skin | skin-vgg16-b64-lr1e-05-do0.4-aug | 80 | 0.8799 0.3437
9 | Bone | bone-vgg16-b64-lr1e-05-do0.4-aug | 80 | 1 0.0007
"""
"""The assignment: task, run, its settings in words, its epochs; what the report says, where it says it: accuracy and
loss, then those of the training images."""


@pytest.fixture(scope="module")
def longest():
    """The epochs that the training list gives to every key."""
    return {p.config.key: p.config.epochs for p in lab.training_list()}  # the longer run of a key comes later


def config(task, label):
    return lab.runs(task)[label]


def test_runs_and_reported_numbers_are_those_of_the_assignment():
    found = []
    for task in lab.TITLES:
        for (label, run), said in zip(lab.runs(task).items(), lab.reported(task).values(), strict=True):
            numbers = [said.accuracy, said.loss, said.train_accuracy, said.train_loss]
            text = " ".join("-" if n is None else f"{n:g}" for n in numbers).removesuffix(" - -")
            row = [task.removeprefix("task"), label, run.slug, str(run.epochs)]
            found.append(" | ".join(row + [text] * (said != lab.SILENT)))
    assert found == PLAN.strip().splitlines()
    assert len(lab.TITLES) == 16 and lab.runs("task7") == {}


def test_augmentation_is_that_of_task_8():
    assert config("task9", "Skin").augmentation == config("task8", "augmentation").augmentation == lab.AUGMENTATION
    flips = {"horizontal_flip": True, "vertical_flip": False}
    assert lab.AUGMENTATION.model_dump() == {"rotation": 10, "shift": 0.1, **flips}


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


def test_the_training_list_is_in_order_holds_every_run_and_trains_nothing_twice(longest):
    plan, epochs = lab.training_list(), dict[str, int]()
    assert [p.stage for p in plan] == sorted(p.stage for p in plan) and {p.stage for p in plan} == set("abcdefgh")
    for p in plan:
        assert p.config.epochs > epochs.get(p.config.key, 0)
        epochs[p.config.key] = p.config.epochs
    wanted = [run for task in lab.TITLES for run in lab.runs(task).values()]
    assert all(longest[run.key] >= run.epochs for run in wanted)


def test_a_stage_repeats_every_small_run_of_the_first_three_with_two_more_seeds():
    plan = lab.training_list()
    again = [p.config for p in plan if p.stage == "g"]
    first = [p.config for p in plan if p.stage in "abc"]
    assert again == [run.with_(seed=seed) for seed in (1, 2) for run in first]
    assert {run.n_base for run in again} == {8, 16}


@pytest.mark.parametrize(
    ("task", "labels", "seeds"),
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
def test_how_many_seeds_a_setting_gets(longest, task, labels, seeds):
    for label in labels:
        own = [longest.get(config(task, label).with_(seed=n).key, 0) >= config(task, label).epochs for n in range(9)]
        assert own == [n < seeds for n in range(9)]


def test_the_last_stage_begins_with_the_small_runs_and_has_a_setting_of_ours():
    last = [p for p in lab.training_list() if p.stage == "h"]
    few = [p for p in last if p.config.n_train == lab.FEW_IMAGES]
    assert {p.config.with_(seed=0, n_train=None) for p in few} == set(lab.runs("task5a").values()) and len(few) == 16
    order = list(dict.fromkeys(p.task for p in last))
    assert order == ["task5a", "task3", "task5c", "task4", "task6a", "task8", "task9", "task6b"]


def test_every_run_that_a_claim_leans_on_has_several_seeds(longest):
    from labutils.evaluate import CLAIMS

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
