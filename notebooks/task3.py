# ---
# jupyter:
#   jupytext:
#     cell_metadata_filter: tags,nbgrader,-papermill,-execution,-editable,-slideshow
#     formats: ipynb,py:percent
#     notebook_metadata_filter: kernelspec,jupytext,-jupytext.text_representation.jupytext_version
#     text_representation:
#       extension: .py
#       format_name: percent
#       format_version: '1.3'
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Task 3: Skin against Bone: how reliable is a result?
#
# The same network was trained on skin lesions and on fractures. It does better on one of them. **How do you know?**
# This is the notebook about that question. Its only new runs are settings of other notebooks with other seeds;
# otherwise it takes runs apart.
#
# At the end you will be able to say
#
# - what an accuracy on a few hundred images is worth
# - how much of a result is the seed, and how much the network
# - what a model of a few simple numbers reaches, and what can be known at best
# - whether a network's probabilities mean what they say
#
# With the stored runs it takes seconds to run, a run of your own on the small network less than a minute, and half an
# hour to think through. The [index](index.ipynb) says what training everything here would take.

# %% [markdown]
# ## Parameters
#
# The settings of the lab report. Change one and run the notebook again, or give it on the command line: `papermill
# task3.ipynb out.ipynb -p n_epoch 50`.

# %% tags=["parameters"]
lr: float = 1e-5  # learning rate, above 0 and at most 1
n_epoch: int = 100  # epochs (passes over the training images), a whole number from 1
batch_s: int = 8  # images per training step, a whole number from 1
n_base: int = 8  # filters of the first block, from 1; later blocks have a multiple of it
dropout: float = 0.0  # share of the dense layers' units left out in a step, at least 0 and below 1
seeds: list = [0, 1, 2]  # seeds of the repeated Skin runs; the first is that of all other runs
image_size: int = 128  # side of the images in pixels, 32 to 1024
channels: int = 1  # 1 (grey) or 3 (colour)
n_train: int = None  # training images, a whole number from 2; None takes all
n_val: int = None  # validation images, a whole number from 2; None takes all
source: str = "auto"  # images: course, public, phantom, or auto for the first of them that is there
reuse: bool = True  # False trains anew even what is stored
train_missing: bool = False  # True trains runs of the lab that are not stored yet

# %% [markdown]
# ## Setup

# %%
from labutils import audit, course, evaluate, parameters, plots, training
from labutils.course import check, widgets
from labutils.data import load_dataset

parameters.check(globals())
skin = load_dataset("skin", image_size, channels, source, n_train, n_val)
bone = load_dataset("bone", image_size, channels, source, n_train, n_val)
print(skin.banner(), bone.banner(), sep="\n")

# %% [markdown]
# Two data sets, each with a training set and a validation set of its own.

# %% [markdown]
# ## Predict
#
# The best epoch of a hundred, judged on the images that chose it.

# %% tags=["predict"]
course.ask("task3", 1)

# %% [markdown]
# ## Look
#
# A result can be no better than its images. Look for anything, beside the disease, by which the classes could be told
# apart: here are the darkest and the brightest of both sets.

# %%
plots.extremes(skin, "brightness")

# %%
plots.extremes(bone, "brightness")

# %% [markdown]
# ## The evidence
#
# Eyes are good at finding a shortcut in ten images and bad at finding one in a thousand. That is what the **audit** is
# for: it counts, looks for copies, above all for copies of training images among the validation images, and measures
# how far one gets *without* looking at the lesion.

# %%
audit.audit(skin)

# %%
audit.audit(bone)

# %% [markdown]
# How far does a simple model get that sees no shapes: mean brightness, 16x16 pixels, six rings of the Fourier
# transform, about forty simple numbers, each with a linear model or a forest? Beating the best of them is the first
# thing that a network has to show. On phantoms there is also a ceiling: what a reader reaches who knows every sign that
# was drawn.

# %%
audit.baseline_table(skin)

# %%
audit.baseline_table(bone)

# %% [markdown]
# The runs are those of Task 1B and Task 2: VGG16 with eight filters, on each of the two data sets.

# %%
settings = {
    "learning_rate": lr,
    "epochs": n_epoch,
    "batch_size": batch_s,
    "n_base": n_base,
    "dropout": dropout,
}
configs = {
    "Skin": skin.run(model="vgg16", seed=seeds[0], **settings),
    "Bone": bone.run(model="vgg16", seed=seeds[0], **settings),
}

# %% tags=["nbval-ignore-output"]
options = {
    "reuse": reuse,
    "train_missing": train_missing,
    "on_epoch": plots.live_curves(configs),
}
runs = training.train_all(configs, skin, bone, **options)

# %%
plots.learning_curves(runs)

# %% [markdown]
# Two data sets, so the columns have different images behind them: compare shapes, not single epochs. First the numbers
# as the report gives them, beside ours.

# %%
audit.run_table(runs, skin, bone, task="task3")

# %% [markdown]
# ### How much is chance?
#
# The bracket behind each accuracy is its 95 % interval after Wilson (1927). It answers: had we drawn other validation
# images of the same kind, where could the accuracy have been? It depends on the number of images more than on anything
# else.

# %%
plots.accuracy_intervals(runs, task="task3")

# %% [markdown]
# A paired test is of no use here: the two runs were judged on different images. The conclusions of the report. *What
# the lab could know* judges as the report could have: its validation images, one seed. *What holds for these images*
# judges on an exam on which no network and no epoch was chosen, over all seeds that are stored. The rules, folded below the
# table, say when a difference counts.

# %%
verdicts = evaluate.judge_task(runs, "task3")
evaluate.verdict_table(verdicts)

# %% [markdown]
# ### How much is the seed?
#
# The seed decides the initial weights and the order of the images, and nothing that anybody would call a property of
# the network. Runs that differ in the seed alone show how much a single number moves by itself.

# %% tags=["nbval-ignore-output"]
repeated = {f"seed {seed}": configs["Skin"].with_(seed=seed) for seed in seeds}
seed_runs = training.train_all(repeated, skin, **options)

# %%
evaluate.seed_table(
    evaluate.group_seeds({f"Skin, {label}": run for label, run in seed_runs.items()})
)

# %%
plots.learning_curves(
    evaluate.group_seeds({f"Skin, {label}": run for label, run in seed_runs.items()})
)

# %% [markdown]
# Compare the spread over seeds with the differences between settings in Tasks 1B to 1D. Whatever is smaller than the
# spread was not shown by a single run, however exact its decimals look.

# %% [markdown]
# ### Is an effect larger than the seed?
#
# One comparison of the lab in full: AlexNet without dropout and with it, as Task 5A compares them, with each of the
# seeds. An effect need not show in every single pair of runs to be real, and need not be real because it shows in one:
# it is the average over seeds, beside the spread, that says it.

# %%
fast = configs["Skin"].with_(
    model="alexnet", learning_rate=round(10 * lr, 12), epochs=max(1, n_epoch // 2)
)
effect = {
    f"{name}, seed {seed}": fast.with_(dropout=rate, seed=seed)
    for name, rate in {"no dropout": 0.0, "dropout 0.4": 0.4}.items()
    for seed in seeds
}

# %% tags=["nbval-ignore-output"]
effect_runs = training.train_all(effect, skin, **options)

# %%
evaluate.gap_table(effect_runs)

# %%
evaluate.seed_table(evaluate.group_seeds(effect_runs))

# %%
plots.accuracy_intervals(evaluate.group_seeds(effect_runs))

# %%
grouped = evaluate.group_seeds(effect_runs)
evaluate.tell("gap", grouped.get("no dropout"), grouped.get("dropout 0.4"))

# %% [markdown]
# Two questions, and they can have different answers. Is the *gap* between training and validation smaller with dropout
# on average, by more than seeds move it? And is the *accuracy* higher, or do the two kinds mix?

# %% [markdown]
# ### Was the epoch chosen on the same images?
#
# Yes, in the report and here: the best of all epochs on the validation images is reported for the same images. The
# price can be measured. Choose the epoch on one half of the validation images and read the accuracy from the other
# half, many times: the mean of that is what an honest choice would have given.

# %%
import numpy as np

rng = np.random.default_rng(0)
for label, run in runs.items():
    right = (run.val_predictions[:, :, 0] > 0.5) == run.y_val  # epochs x images
    honest = []
    for _ in range(1000):
        order = rng.permutation(len(run.y_val))
        one_half, other_half = order[::2], order[1::2]
        epoch = right[:, one_half].mean(axis=1).argmax()
        honest.append(right[epoch, other_half].mean())
    best = right.mean(axis=1).max()
    print(
        f"{label}: best epoch {best:.3f}, chosen on other images {np.mean(honest):.3f}"
    )

# %% [markdown]
# ### Do the probabilities mean what they say?
#
# A network that says 0.9 should be right nine times in ten. The reliability curve shows whether it is; the Brier score
# is the mean squared distance between the probability and the truth, so lower is better, and 0.25 is what saying one
# half gives.

# %%
evaluate.quality_table(runs)

# %%
for run in runs.values():
    plots.reliability(run)

# %% [markdown]
# ### How far do phantoms teach the truth?
#
# Phantoms are drawings. The network of Task 1B was also trained on real images (a selection from HAM10000; the images
# are not part of this project, the predictions are). If the columns are close, that is a reason to look further, and no
# proof for a clinic: its patients, its cameras and its labels are others. If they are not, the phantoms are easier, or
# harder, than life. The last rows are what a linear model or a forest reaches on some forty numbers of each image: does
# the network leave it behind, on either?

# %%
audit.truth_table(configs["Skin"])

# %% [markdown]
# ## Explore
#
# Set the threshold from which an image is called malignant, and how common the disease is where the network is used:
# sensitivity and specificity stay, the predictive values do not.

# %%
widgets.threshold(runs.get("Skin"))

# %% [markdown]
# Draw a new study: so many images, so many runs that are all equally good. How much better does the winner look than it
# is?

# %%
widgets.winners_curse()

# %% tags=["predict"]
course.ask("task3", 2, runs)

# %% [markdown]
# ## Write
#
# How far can an accuracy be trusted? Write a function that gives its interval after Wilson. The check says what went
# in, what came out, what was expected, and which mistake it is if it knows it.

# %% tags=["exercise"]
from math import sqrt


def wilson(successes, n, z=1.96):
    """Wilson's interval of a proportion: its lower and its upper end.

    centre = (p + z² / 2n) / (1 + z² / n), half width = z sqrt(p (1 - p) / n + z² / 4n²) / (1 + z² / n).
    """
    ### BEGIN SOLUTION
    p = successes / n
    below = 1 + z**2 / n
    centre = (p + z**2 / (2 * n)) / below
    half = z * sqrt(p * (1 - p) / n + z**2 / (4 * n**2)) / below
    return centre - half, centre + half
    ### END SOLUTION


# %% tags=["check"]
check.exercise(wilson)

# %% [markdown]
# Could the difference of two networks on the same images be chance? Write McNemar's exact test.

# %% tags=["exercise"]
from math import comb


def mcnemar(only_a, only_b):
    """McNemar's exact test: the two-sided p of this split, or a more uneven one, among the images that differ.

    only_a images are right in A alone, only_b in B alone; by chance each falls to either side with probability 1/2.
    """
    ### BEGIN SOLUTION
    n, smaller = only_a + only_b, min(only_a, only_b)
    tail = sum(comb(n, k) for k in range(smaller + 1)) / 2**n
    return min(1.0, 2 * tail)
    ### END SOLUTION


# %% tags=["check"]
check.exercise(mcnemar)

# %% [markdown]
# ## Answer
#
# **Question.** Bone is classified better than Skin, the report concludes. List what had to be checked before believing
# it, and say for each whether it was checked in the report, here, or nowhere.

# %% [markdown] tags=["answer"]
# *Your answer:*

# %% [markdown] tags=["reference"]
# When you have written yours, open ours.
#
# <details><summary><b>Reference answer</b></summary>
#
# Checked here and not in the report: the interval of each accuracy and a test between them; the spread over seeds;
# copies between training and validation images; what a simple model reaches; whether the probabilities are calibrated;
# how much choosing the epoch flatters the number. On phantoms the comparison itself is a statement about two drawing
# programs, whose ceilings are known. Checked nowhere: whether the images come from the patients one would meet, and
# from one clinic or many. A high accuracy on an easy shortcut is worth less than a low one on the disease.
#
# </details>

# %% [markdown]
# The numbers behind it, computed from the runs above:

# %%
widgets.show_evidence(verdicts)

# %% [markdown]
# ## Summary
#
# - An accuracy without an interval is half a number; the number of images decides the other half.
# - Seeds, shortcuts, copies and the choice of the epoch can each make a result that is not there.
# - A network that does not beat forty simple numbers has not shown that it is needed.
# - A probability is a promise that can be checked.
#
# Next: [Task 4](task4.ipynb) has nine classes, and an accuracy that flatters.
