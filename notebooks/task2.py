# ---
# jupyter:
#   jupytext:
#     cell_metadata_filter: tags,nbgrader,jupyter,-papermill,-execution,-editable,-slideshow
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
# # Task 2: Bone: filters and dropout
#
# A fracture of the thigh bone can be *atypical* (AFF): it runs straight across, begins on the outer side, and has to do
# with long treatment by certain drugs. A *normal* one (NFF) runs obliquely and in fragments. VGG16 learns to tell them
# apart, with 8 or 16 filters, without and with **dropout**.
#
# At the end you will be able to say
#
# - whether dropout narrows the gap between training and validation here
# - whether that depends on the width of the network
# - where on a radiograph the network looks
#
# With the stored runs it takes seconds to run, a run of your own on the small network less than a minute, and half an
# hour to think through. The [index](index.ipynb) says what training everything here would take.

# %% [markdown]
# ## Parameters
#
# The settings of the lab report. Change one and run the notebook again, or give it on the command line: `papermill
# task2.ipynb out.ipynb -p dropout 0.5`.

# %% tags=["parameters"] jupyter={"source_hidden": true}
lr: float = 1e-5  # learning rate, above 0 and at most 1
n_epoch: int = 100  # epochs (passes over the training images), a whole number from 1
batch_s: int = 8  # images per training step, a whole number from 1
n_base: int = 8  # filters of the first block of the narrower network; the wider has twice as many
dropout: float = 0.2  # share of the dense layers' units left out in a step, at least 0 and below 1
seed: int = 0  # decides initial weights and the order of the images, a whole number from 0
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
bone = load_dataset("bone", image_size, channels, source, n_train, n_val)
print(bone.banner())

# %% [markdown]
# Another data set, the same loader: radiographs of the femur, read as grey and scaled to squares. Scaling every picture
# to a square changes angles a little: a sign that depends on an angle must be robust against that.

# %% [markdown]
# ## Predict
#
# Two widths, without and with dropout.

# %% tags=["predict"]
course.ask("task2", 1)

# %% [markdown]
# ## Look
#
# Find the fracture first. Does it run straight across the shaft or at a slant? Is the cortex, the bright rim, thickened
# at one side? Are there fragments? Judge twenty of them yourself.

# %%
rival = training.find(
    bone.run(model="vgg16", learning_rate=lr, epochs=n_epoch, n_base=n_base, seed=seed),
    bone,
    at_least=1,
)
widgets.against_network(rival, bone)

# %% [markdown]
# ## Play
#
# Set the width of a small network and train it on fractures. How much width does it take?

# %%
widgets.playground("task2")

# %% [markdown]
# ## The evidence
#
# Four runs that differ in two settings, so that each effect can be seen twice.

# %%
base = bone.run(
    model="vgg16",
    learning_rate=lr,
    epochs=n_epoch,
    batch_size=batch_s,
    n_base=n_base,
    seed=seed,
)
configs = {}
for filters in (n_base, 2 * n_base):
    configs[f"b{filters}"] = base.with_(n_base=filters)
    configs[f"b{filters}, dropout {dropout:g}"] = base.with_(
        n_base=filters, dropout=dropout
    )

# %% tags=["nbval-ignore-output"]
runs = training.train_all(
    configs,
    bone,
    reuse=reuse,
    train_missing=train_missing,
    on_epoch=plots.live_curves(configs),
)

# %%
plots.learning_curves(runs)

# %% [markdown]
# Compare neighbours: the first column with the second, the third with the fourth. The distance between the dashed and
# the solid line is the gap.

# %%
plots.compare_curves(runs)

# %%
widgets.beside_the_lab(runs, "task2")

# %% [markdown]
# The report shows curves for these runs, and a number for one of them.

# %%
audit.run_table(runs, bone, task="task2")

# %% [markdown]
# The gap, measured over the last epochs:

# %%
evaluate.gap_table(runs)

# %%
seeds = evaluate.with_seeds(runs)
for width in (n_base, 2 * n_base):
    plain, dropped = seeds.get(f"b{width}"), seeds.get(f"b{width}, dropout {dropout:g}")
    evaluate.tell("gap", plain, dropped, label=f"b{width}")

# %%
evaluate.paired_table(runs)

# %% [markdown]
# One seed and the images that chose the epoch: the other way to ask is on the exam, with every seed that is stored.

# %%
evaluate.exam_table(seeds)

# %% [markdown]
# The conclusions of the report. *What the lab could know* judges as the report could have: its validation images, one
# seed. *What holds for these images* judges on an exam on which no network and no epoch was chosen, over all seeds that are
# stored. The rules, folded below the table, say when a difference counts.

# %%
verdicts = evaluate.judge_task(runs, "task2")
evaluate.verdict_table(verdicts)

# %% [markdown]
# ## Explore
#
# What does it look at? A radiologist would look at the fracture line and the cortex beside it. Does the network? Choose
# a layer: its feature maps for one image, from the stored weights.

# %%
widgets.show_gradcam(runs.get(f"b{n_base}"), bone)

# %% [markdown]
# Heat at the edge of the picture or on a marker letter would mean that the network uses what no radiologist would.

# %%
widgets.feature_maps(runs.get(f"b{n_base}"), bone)

# %% tags=["predict"]
course.ask("task2", 2, runs)

# %% [markdown]
# ## Write
#
# How many of the atypical fractures are found, and how many of the others are left alone? Write a function that counts
# them into a confusion matrix. The check says what went in, what came out, what was expected, and which mistake it is
# if it knows it.

# %% tags=["exercise"]
import numpy as np


def sensitivity_specificity(truth, probability, threshold=0.5):
    """The 2x2 confusion matrix (row: true label, column: predicted), the sensitivity and the specificity.

    Above the threshold the prediction is label 1. A rate of no images at all is nan.
    """
    ### BEGIN SOLUTION
    predicted = (np.asarray(probability) > threshold).astype(int)
    matrix = np.zeros((2, 2), int)
    for true, guess in zip(truth, predicted, strict=True):
        matrix[true, guess] += 1
    negatives, positives = matrix.sum(axis=1)
    sensitivity = matrix[1, 1] / positives if positives else float("nan")
    specificity = matrix[0, 0] / negatives if negatives else float("nan")
    return matrix, sensitivity, specificity
    ### END SOLUTION


# %% tags=["check"]
check.exercise(sensitivity_specificity)

# %% [markdown]
# ## Answer
#
# **Question.** What does dropout do to the curves on Bone, for the narrow and for the wide network? Would you judge it
# by the gap, by the best accuracy or by the lowest loss?

# %% [markdown] tags=["answer"]
# *Your answer (double-click to write):*

# %% [markdown] tags=["reference"]
# When you have written yours, open ours.
#
# <details><summary><b>Reference answer</b></summary>
#
# Dropout makes learning by heart harder: the training curve climbs more slowly, and the gap at the end may be smaller.
# Whether it is, for the narrow and for the wide network, the sentences below the table of gaps say, of one seed and of
# all. A training accuracy with units missing is lower than the same network's with all of them, so the gap is measured
# with nothing left out. The best accuracy may hardly react, because it is taken where the gap was still small: gap,
# best accuracy and lowest loss are three questions.
#
# </details>

# %% [markdown]
# The numbers behind it, computed from the runs above:

# %%
widgets.show_evidence(verdicts)

# %% [markdown]
# ## Summary
#
# - Four runs that cross two settings show each effect twice.
# - Dropout is judged by the gap rather than by the best accuracy.
# - Heat maps are read for what should *not* be there.
#
# Next: [Task 3](task3.ipynb) asks how far any of these numbers can be trusted.
