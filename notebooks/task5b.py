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
# # Task 5B: Batch normalization
#
# The two runs of Task 5A, and the same two with **batch normalization** after every convolution. How much faster does
# the network learn?
#
# At the end you will be able to say
#
# - what batch normalization does between a convolution and its ReLU
# - how to measure "faster" so that it does not depend on where one looks
# - whether faster learning is also better learning
#
# With the stored runs it takes seconds to run, a run of your own on the small network less than a minute, and half an
# hour to think through. The [index](index.ipynb) says what training everything here would take.

# %% [markdown]
# ## Parameters
#
# The settings of the lab report. Change one and run the notebook again, or give it on the command line: `papermill
# task5b.ipynb out.ipynb -p n_epoch 20`.

# %% tags=["parameters"] jupyter={"source_hidden": true}
lr: float = 1e-4  # learning rate, above 0 and at most 1
n_epoch: int = 50  # epochs (passes over the training images), a whole number from 1
batch_s: int = 8  # images per training step, a whole number from 1
n_base: int = 8  # filters of the first block, from 1; later blocks have a multiple of it
dropout: float = 0.4  # share of the dense layers' units left out in a step, at least 0 and below 1
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
skin = load_dataset("skin", image_size, channels, source, n_train, n_val)
print(skin.banner())

# %% [markdown]
# Images and settings are those of [Task 5A](task5a.ipynb); two of the four runs are already there.

# %% [markdown]
# ## Predict
#
# The same network, with every feature map brought to mean 0 and spread 1.

# %% tags=["predict"]
course.ask("task5b", 1)

# %% [markdown]
# ## Look
#
# The pictures differ in brightness and contrast from one camera, and one skin, to the next. Each layer of a network
# passes such differences on to the following one.

# %%
plots.extremes(skin, "brightness")

# %% [markdown]
# ## Play
#
# Switch batch normalization on and off, at several rates. Watch both curves: the training curve and the validation
# curve need not start together.

# %%
widgets.playground("task5b")

# %% [markdown]
# ## The evidence
#
# Batch normalization (Ioffe and Szegedy, 2015) brings every feature map to mean 0 and spread 1 over the images of a
# training step, and then lets the network choose mean and spread anew. In Keras it stands between a convolution and its
# ReLU: `x = layers.Conv2D(...)(x)`, `x = layers.BatchNormalization()(x)`, `x = layers.ReLU()(x)`. Why it helps is
# disputed: its authors named a drift of the inputs of each layer, later work found a smoother loss (Santurkar 2018) and
# larger usable rates (Bjorck 2018).

# %%
base = skin.run(
    model="alexnet",
    learning_rate=lr,
    epochs=n_epoch,
    batch_size=batch_s,
    n_base=n_base,
    seed=seed,
)
configs = {
    "no dropout": base,
    f"dropout {dropout:g}": base.with_(dropout=dropout),
    "batch norm": base.with_(batch_norm=True),
    f"batch norm, dropout {dropout:g}": base.with_(batch_norm=True, dropout=dropout),
}

# %% tags=["nbval-ignore-output"]
runs = training.train_all(
    configs,
    skin,
    reuse=reuse,
    train_missing=train_missing,
    on_epoch=plots.live_curves(configs),
)

# %%
plots.learning_curves(runs)

# %% [markdown]
# Look at the first ten epochs of the dashed accuracy curves. Then look at the solid ones: does validation learn as
# fast?

# %%
plots.compare_curves(runs)

# %%
widgets.beside_the_lab(runs, "task5b")

# %% [markdown]
# In small batches the mean and the spread are themselves noisy: each image is normalized together with the others of
# its batch. In validation, running averages take their place. That is why validation curves with batch normalization
# can jump.

# %%
audit.run_table(runs, skin, task="task5b")

# %% [markdown]
# "Faster" as a number: the epoch at which each run reaches the highest training accuracy that the plain network of Task
# 5A ever had; and for the runs with dropout, the highest that Task 5A reached with dropout.

# %%
goal = runs["no dropout"].history["accuracy"].max() if "no dropout" in runs else 0.9
evaluate.reach_table(runs, goal)

# %%
goal = (
    runs[f"dropout {dropout:g}"].history["accuracy"].max()
    if f"dropout {dropout:g}" in runs
    else 0.8
)
evaluate.reach_table(runs, goal)

# %% [markdown]
# That was the training images. And on images that it has not seen? First the gap, then the paired tests.

# %%
evaluate.gap_table(runs)

# %%
evaluate.paired_table(runs)

# %% [markdown]
# One seed and the images that chose the epoch: the other way to ask is on the exam, with every seed that is stored.

# %%
seeds = evaluate.with_seeds(runs)
evaluate.exam_table(seeds)

# %%
evaluate.tell(
    "better",
    seeds.get("no dropout"),
    seeds.get("batch norm"),
    what="batch normalization",
)

# %% [markdown]
# The conclusions of the report. *What the lab could know* judges as the report could have: its validation images, one
# seed. *What holds for these images* judges on an exam on which no network and no epoch was chosen, over all seeds that are
# stored. The rules, folded below the table, say when a difference counts.

# %%
verdicts = evaluate.judge_task(runs, "task5b")
evaluate.verdict_table(verdicts)

# %% [markdown]
# How far does this carry? The same settings were trained on photographs of real lesions, which are not part of the lab,
# and judged by the same rules. There is no exam for them, and one seed.

# %%
evaluate.real_table(verdicts)

# %% [markdown]
# Their curves, to be read as those above:

# %%
plots.real_curves("task5b")

# %% [markdown]
# ## Explore
#
# What a batch normalization sees: the activations before and after it, epoch by epoch, on a small network.

# %%
widgets.norm_view()

# %%
widgets.feature_maps(runs.get("batch norm"), skin)

# %% tags=["predict"]
course.ask("task5b", 2, runs)

# %% [markdown]
# ## Write
#
# What does batch normalization compute, and which numbers does it carry along? Write its forward pass. The check says
# what went in, what came out, what was expected, and which mistake it is if it knows it.

# %% tags=["exercise"]
import numpy as np


def batch_norm(x, mean, variance, training, momentum=0.9, epsilon=1e-3):
    """Feature maps x (batch, height, width, channels), each channel normalized, and the new moving averages.

    Training uses the mean and variance of this batch, and moves the averages: momentum * old + (1 - momentum) * new.
    Inference uses the moving averages, and leaves them. Divide by sqrt(variance + epsilon).
    """
    ### BEGIN SOLUTION
    if not training:
        return (x - mean) / np.sqrt(variance + epsilon), mean, variance
    now, spread = x.mean(axis=(0, 1, 2)), x.var(axis=(0, 1, 2))
    y = (x - now) / np.sqrt(spread + epsilon)
    mean = momentum * mean + (1 - momentum) * now
    variance = momentum * variance + (1 - momentum) * spread
    return y, mean, variance
    ### END SOLUTION


# %% tags=["check"]
check.exercise(batch_norm)

# %% [markdown]
# ## Answer
#
# **Question.** How many epochs does batch normalization save, without and with dropout? Is the faster network also the
# better one on images that it has not seen?

# %% [markdown] tags=["answer"]
# *Your answer (double-click to write):*

# %% [markdown] tags=["reference"]
# When you have written yours, open ours.
#
# <details><summary><b>Reference answer</b></summary>
#
# With normalized layers larger steps are usable; how many epochs that saves, without and with dropout, stands in the
# two tables of epochs. Faster on the training images is not better on others: the same speed can lead into over-fitting
# sooner, and on batches of eight the statistics are noisy. Whether the normalized network is the better one on unseen
# images, the sentence below the exam's table says, and also where it cannot be told; the speed says nothing of it.
#
# </details>

# %% [markdown]
# The numbers behind it, computed from the runs above:

# %%
widgets.show_evidence(verdicts)

# %% [markdown]
# ## Summary
#
# - Batch normalization rescales every feature map, step by step, to what the next layer can use.
# - Speed is the number of epochs to a stated accuracy.
# - Learning faster includes learning by heart faster: whether it is also learning better is another question.
#
# Next: [Task 5C](task5c.ipynb) turns the learning rate down.
