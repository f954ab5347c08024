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
# # Task 5D: The same for longer
#
# The two networks of Task 5C, with **150 epochs** instead of 80. Which one goes on improving, and which one has begun
# to learn by heart?
#
# At the end you will be able to say
#
# - how to say from which epoch on a run over-fits, so that a program can check it
# - why the order of two networks can change with the epoch
# - what early stopping makes of such a comparison
#
# With the stored runs it takes seconds to run, a run of your own on the small network less than a minute, and half an
# hour to think through. The [index](index.ipynb) says what training everything here would take.

# %% [markdown]
# ## Parameters
#
# The settings of the lab report. Change one and run the notebook again, or give it on the command line: `papermill
# task5d.ipynb out.ipynb -p n_epoch 100`.

# %% tags=["parameters"] jupyter={"source_hidden": true}
lr: float = 1e-5  # learning rate, above 0 and at most 1
n_epoch: int = 150  # epochs (passes over the training images), a whole number from 1
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
# The first epochs of both runs are those of [Task 5C](task5c.ipynb): they are continued, not repeated.

# %% [markdown]
# ## Predict
#
# Nearly twice the time for both.

# %% tags=["predict"]
course.ask("task5d", 1)

# %% [markdown]
# ## Look
#
# Validation images are never trained on, but they are looked at after every epoch: 150 times by the end. The more often
# one looks, the better the best look is, by chance alone. Here are the pictures with the least and the most asymmetry:
# which would you want to look at twice?

# %%
plots.extremes(skin, "asymmetry")

# %% [markdown]
# ## Play
#
# Train a small network for longer, with Continue: from which epoch on does it over-fit, with and without batch
# normalization?

# %%
widgets.playground("task5d")

# %% [markdown]
# ## The evidence
#
# The same switch as before, for longer.

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
configs = {"no batch norm": base, "batch norm": base.with_(batch_norm=True)}

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
# Draw a vertical line at epoch 80 in your mind: that is where Task 5C stopped. What would you have concluded there, and
# what do you conclude now?

# %%
plots.compare_curves(runs)

# %%
widgets.beside_the_lab(runs, "task5d")

# %%
audit.run_table(runs, skin, task="task5d")

# %% [markdown]
# A run over-fits from the epoch after which its smoothed validation loss stays more than a climb above its minimum. How
# large a climb counts is a choice, and the epoch depends on it.

# %%
evaluate.gap_table(runs)

# %%
evaluate.paired_table(runs)

# %%
seeds = evaluate.with_seeds(runs)
evaluate.tell("lead", seeds.get("no batch norm"), seeds.get("batch norm"))

# %% [markdown]
# One seed and the images that chose the epoch: the other way to ask is on the exam, with every seed that is stored.

# %%
evaluate.exam_table(seeds)

# %%
evaluate.tell(
    "better",
    seeds.get("no batch norm"),
    seeds.get("batch norm"),
    what="batch normalization",
)

# %% [markdown]
# The conclusions of the report. *What the lab could know* judges as the report could have: its validation images, one
# seed. *What holds for these images* judges on an exam on which no network and no epoch was chosen, over all seeds that are
# stored. The rules, folded below the table, say when a difference counts.

# %%
verdicts = evaluate.judge_task(runs, "task5d")
evaluate.verdict_table(verdicts)

# %% [markdown]
# How far does this carry? The same settings were trained on photographs of real lesions, which are not part of the lab,
# and judged by the same rules. There is no exam for them, and one seed.

# %%
evaluate.real_table(verdicts)

# %% [markdown]
# Their curves, to be read as those above:

# %%
plots.real_curves("task5d")

# %% [markdown]
# ## Explore
#
# Move to the end of the run with batch normalization: how sure is it of itself, and how right?

# %%
widgets.epoch_scrubber(runs, skin)

# %% tags=["predict"]
course.ask("task5d", 2, runs)

# %% [markdown]
# ## Write
#
# A gap read from one epoch is noise. Write a function that averages it over a window that moves along the run. The
# check says what went in, what came out, what was expected, and which mistake it is if it knows it.

# %% tags=["exercise"]
import numpy as np


def smoothed_gap(accuracy, val_accuracy, window):
    """Training minus validation accuracy, as the mean of every `window` epochs in a row.

    The first value is that of the first `window` epochs, the last one that of the last: n - window + 1 values.
    """
    ### BEGIN SOLUTION
    gap = np.asarray(accuracy, float) - np.asarray(val_accuracy, float)
    return np.array(
        [gap[start : start + window].mean() for start in range(len(gap) - window + 1)]
    )
    ### END SOLUTION


# %% tags=["check"]
check.exercise(smoothed_gap)

# %% [markdown]
# ## Answer
#
# **Question.** From which epoch on does the normalized network over-fit, and does the other keep generalizing? Which of
# the two would you use, and from which epoch?

# %% [markdown] tags=["answer"]
# *Your answer (double-click to write):*

# %% [markdown] tags=["reference"]
# When you have written yours, open ours.
#
# <details><summary><b>Reference answer</b></summary>
#
# The epoch from which a run over-fits depends on the climb that is called over-fitting, and on the seed, so a range is
# the honest answer: the evidence of the verdict has it for four climbs and for every seed. Early stopping, taking the
# weights of the lowest validation loss, makes the question which of them over-fits later less important. Which of the
# two is better at that epoch is for the tests on the exam to say, and they may not be able to.
#
# </details>

# %% [markdown]
# The numbers behind it, computed from the runs above:

# %%
widgets.show_evidence(verdicts)

# %% [markdown]
# ## Summary
#
# - "Over-fits from epoch n" needs a definition, and changes with it.
# - The order of two networks can change with the epoch.
# - Stopping at the lowest validation loss takes the sting out of over-fitting.
#
# Next: [Task 6A](task6a.ipynb) drops whole feature maps.
