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
# # Task 6B: Spatial dropout for longer
#
# The two networks of Task 6A, with **250 epochs** instead of 150. Does the one with spatial dropout catch up?
#
# At the end you will be able to say
#
# - what "catches up" has to mean to be checked
# - how to judge a slow run where it has arrived
# - how means against over-fitting compare, also in price
#
# With the stored runs it takes seconds to run, a run of your own on the small network less than a minute, and half an
# hour to think through. The [index](index.ipynb) says what training everything here would take.

# %% [markdown]
# ## Parameters
#
# The settings of the lab report. Change one and run the notebook again, or give it on the command line: `papermill
# task6b.ipynb out.ipynb -p spatial_dropout 0.2`.

# %% tags=["parameters"] jupyter={"source_hidden": true}
lr: float = 1e-5  # learning rate, above 0 and at most 1
n_epoch: int = 250  # epochs (passes over the training images), a whole number from 1
batch_s: int = 8  # images per training step, a whole number from 1
n_base: int = 32  # filters of the first block, from 1; later blocks have a multiple of it
dropout: float = 0.4  # share of the dense layers' units left out in a step, at least 0 and below 1
spatial_dropout: float = 0.1  # share of the feature maps left out in a step, at least 0 and below 1
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
# Nothing changes but the number of epochs: the first 150 are those of [Task 6A](task6a.ipynb).

# %% [markdown]
# ## Predict
#
# A hundred epochs more for both.

# %% tags=["predict"]
course.ask("task6b", 1)

# %% [markdown]
# ## Look
#
# The network has seen every training image as often as there are epochs. Here are the darkest and the brightest: would
# you still be looking at the lesion, the 250th time?

# %%
plots.extremes(skin, "dark area")

# %% [markdown]
# ## Play
#
# Whole maps or single units: train with spatial dropout, with dropout, with both, and with neither.

# %%
widgets.playground("task6b")

# %% [markdown]
# ## The evidence
#
# The same switch as in Task 6A, for longer.

# %%
base = skin.run(
    model="alexnet",
    learning_rate=lr,
    epochs=n_epoch,
    batch_size=batch_s,
    n_base=n_base,
    dropout=dropout,
    seed=seed,
)
with_spatial = base.with_(spatial_dropout=spatial_dropout)
configs = {
    "no spatial dropout": base,
    f"spatial dropout {spatial_dropout:g}": with_spatial,
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
# Look at the last hundred epochs only. Which curves still move, and in which direction?

# %%
plots.compare_curves(runs)

# %%
widgets.beside_the_lab(runs, "task6b")

# %%
audit.run_table(runs, skin, task="task6b")

# %%
evaluate.gap_table(runs)

# %%
seeds = evaluate.with_seeds(runs)
evaluate.tell(
    "catch up",
    seeds.get("no spatial dropout"),
    seeds.get(f"spatial dropout {spatial_dropout:g}"),
)

# %% [markdown]
# To *catch up* is to be no worse. A test that finds no difference is not enough for that: the interval of the
# difference must exclude a loss that would matter.

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
verdicts = evaluate.judge_task(runs, "task6b")
evaluate.verdict_table(verdicts)

# %% [markdown]
# ## Explore
#
# Choose a run and move through its epochs: does the one with the smaller gap also promise less than it keeps?

# %%
widgets.explore_epochs(plots.reliability, runs)

# %% tags=["predict"]
course.ask("task6b", 2, runs)

# %% [markdown]
# ## Write
#
# Maps may be dropped before the ReLU or after it. Write both orders, and compare what they give.

# %% tags=["exercise"]
import numpy as np


def both_orders(x, mask):
    """The values x (batch, channels), times a dropout mask, before the ReLU and after it.

    The mask holds 0 where something is left out and 1 / (1 - rate) elsewhere. First value: mask, then ReLU; second:
    ReLU, then mask.
    """
    ### BEGIN SOLUTION
    before = np.maximum(x * mask, 0)
    after = np.maximum(x, 0) * mask
    return before, after
    ### END SOLUTION


# %% tags=["check"]
check.exercise(both_orders)

# %% [markdown]
# ## Answer
#
# **Question.** Does spatial dropout catch up, and is its gap smaller? Would you spend the additional epochs? And what
# does dropout in general buy, in Tasks 1D, 2, 5A and here?

# %% [markdown] tags=["answer"]
# *Your answer (double-click to write):*

# %% [markdown] tags=["reference"]
# When you have written yours, open ours.
#
# <details><summary><b>Reference answer</b></summary>
#
# Given enough epochs the damaged steps may add up to the same place; whether they do, the sentences under the table of
# gaps say, and where they cannot tell, that is the answer. Whether a smaller gap is worth the epochs depends on what
# else would close it for less: stopping early costs nothing. On dropout in general, set the sentences of the four
# notebooks side by side: in each, whether the gap gets narrower and whether the network gets better are two questions,
# and an answer from one seed need not be that of all.
#
# </details>

# %% [markdown]
# The numbers behind it, computed from the runs above:

# %%
widgets.show_evidence(verdicts)

# %% [markdown]
# ## Summary
#
# - A slow run is judged where it has arrived.
# - "No worse" is a claim with a margin, not a missing difference.
# - Means against over-fitting compete, also in price.
#
# Next: [Task 7](task7.ipynb) makes new images out of old ones.
