# ---
# jupyter:
#   jupytext:
#     cell_metadata_filter: tags,-all
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
# The two runs of Task 5A, and the same two with **batch normalization** after every convolution. How much faster does the
# network learn?
#
# At the end you will be able to say
#
# - what batch normalization does between a convolution and its ReLU,
# - how to measure "faster" so that it does not depend on where one looks,
# - whether faster learning is also better learning.
#
# With the stored runs it takes seconds to run and about half an hour to think through; the [index](index.ipynb) says what
# training everything here would take.

# %% [markdown]
# ## Parameters
#
# The settings of the lab report. Change one and run the notebook again, or give it on the command line:
# `papermill task5b.ipynb out.ipynb -p n_epoch 20`.

# %% tags=["parameters"]
lr: float = 1e-4  # learning rate, above 0 and at most 1
n_epoch: int = 50  # epochs (passes over the training images), a whole number from 1
batch_s: int = 8  # images per training step, a whole number from 1
n_base: int = 8  # filters of the first block, from 1; later blocks have a multiple of it
dropout: float = 0.4  # share of the dense layers' units left out in a step, at least 0 and below 1
seed: int = 0  # decides initial weights and the order of the images, a whole number from 0
image_size: int = 128  # side of the images in pixels, 32 to 1024
n_train: int = None  # training images, a whole number from 2; None takes all
n_val: int = None  # validation images, a whole number from 2; None takes all
source: str = "auto"  # images: course, public, phantom, or auto for the first of them that is there
reuse: bool = True  # False trains anew even what is stored
train_missing: bool = False  # True trains runs of the lab that are not stored yet

# %% [markdown]
# ## Setup

# %%
from labutils import evaluate, plots, training, widgets
from labutils.config import RunConfig
from labutils.data import load_dataset
from labutils.evaluate import lab

skin = load_dataset("skin", image_size, source=source, n_train=n_train, n_val=n_val)
print(skin.banner())

# %% [markdown]
# Images and settings are those of [Task 5A](task5a.ipynb); two of the four runs are already there.

# %% [markdown]
# ## Look at the data
#
# The pictures differ in brightness and contrast from one camera, and one skin, to the next. Each layer of a network passes
# such differences on to the following one.

# %%
plots.sample_grid(skin, n=8)

# %% [markdown]
# Batch normalization (Ioffe and Szegedy, 2015) brings every feature map to mean 0 and spread 1 over the images of a training
# step, and then lets the network choose mean and spread anew. The next layer no longer has to follow what the previous ones do.

# %% [markdown]
# ## The experiment
#
# Two switches, four runs: dropout off and on, batch normalization off and on.

# %%
base = RunConfig(
    dataset="skin", model="alexnet", learning_rate=lr, epochs=n_epoch, batch_size=batch_s, n_base=n_base,
    image_size=image_size, n_train=n_train, n_val=n_val, seed=seed,
)  # fmt: skip
configs = {
    "no dropout": base,
    f"dropout {dropout:g}": base.with_(dropout=dropout),
    "batch norm": base.with_(batch_norm=True),
    f"batch norm, dropout {dropout:g}": base.with_(batch_norm=True, dropout=dropout),
}

# %% tags=["nbval-ignore-output"]
runs = training.train_all(configs, skin, reuse=reuse, train_missing=train_missing, on_epoch=plots.live_curves())

# %%
plots.learning_curves(runs)

# %% [markdown]
# Look at the first ten epochs of the dashed accuracy curves. Then look at the solid ones: does validation learn as fast?

# %%
plots.compare_curves(runs)

# %% [markdown]
# In small batches the mean and the spread are themselves noisy: each image is normalized together with the others
# of its batch. In validation, running averages take their place. That is why validation curves with batch normalization can
# jump.

# %% [markdown]
# ## Result

# %%
evaluate.run_table(runs, lab.reported("task5b"))

# %% [markdown]
# "Faster" as a number: the epoch at which each run reaches the highest training accuracy that the plain network of Task 5A
# ever had.

# %%
goal = runs["no dropout"].history["accuracy"].max() if "no dropout" in runs else 0.9
evaluate.reach_table(runs, goal)

# %% [markdown]
# A network with dropout may never get that far: it has a goal of its own, the highest training accuracy that Task 5A reached
# with dropout.

# %%
goal = runs[f"dropout {dropout:g}"].history["accuracy"].max() if f"dropout {dropout:g}" in runs else 0.8
evaluate.reach_table(runs, goal)

# %% [markdown]
# Faster on the training images. And on images that it has not seen? First the gap, then the paired tests.

# %%
evaluate.gap_table(runs)

# %%
evaluate.paired_table(runs)

# %%
verdicts = evaluate.judge_all(runs, "task5b")
evaluate.verdict_table(verdicts)

# %% [markdown]
# ## Explore
#
# Set the training accuracy that has to be reached, and see which run gets there when.

# %% tags=["nbval-ignore-output"]
widgets.explore_number(
    lambda accuracy: evaluate.reach_table(runs, accuracy),
    "accuracy",
    values=[0.6, 0.7, 0.8, 0.9, 0.95, 0.99],
    start=0.8,
)

# %% [markdown]
# For a training accuracy of 0.8, without a control:

# %%
evaluate.reach_table(runs, 0.8)

# %% [markdown]
# ## Answer
#
# **Question.** How many epochs does batch normalization save, without and with dropout? Is the faster network also the better one on images that it has not seen?

# %% [markdown]
# *Your answer:*

# %% [markdown]
# When you have written yours, open ours.
#
# <details><summary><b>Reference answer</b></summary>
#
# Normalized layers can be trained with effectively larger steps, because no layer has to follow the drift of the one
# before: a given training accuracy is reached in a fraction of the epochs. Dropout slows this down again, since it
# makes the training set harder. Faster on the training images is not better on others: the same speed leads into over-
# fitting sooner, so that the gap table has to be read beside the table of epochs.
#
# </details>

# %% [markdown]
# And the numbers behind it, computed from the runs above:

# %%
widgets.show_evidence(verdicts)

# %% [markdown]
# ## Summary
#
# - Batch normalization rescales every feature map, step by step, to what the next layer can use.
# - Speed is the number of epochs to a stated accuracy.
# - Learning faster includes learning by heart faster.
#
# Next: [Task 5C](task5c.ipynb) turns the learning rate down.
