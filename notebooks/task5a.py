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
# # Task 5A: Dropout
#
# AlexNet at a learning rate of 1e-4 learns a thousand skin images quickly, and with enough epochs by heart. **Dropout**
# with a rate of 0.4 on its dense layers is to prevent that. Does it, and was there anything to prevent?
#
# At the end you will be able to say
#
# - how over-fitting looks in accuracy and in loss, and that one may show it without the other
# - what dropout changes in the training curve and in the validation curve
# - how much of a narrower gap is the measurement itself
#
# With the stored runs it takes seconds to run, a run of your own on the small network less than a minute, and half an
# hour to think through. The [index](index.ipynb) says what training everything here would take.

# %% [markdown]
# ## Parameters
#
# The settings of the lab report. Change one and run the notebook again, or give it on the command line: `papermill
# task5a.ipynb out.ipynb -p dropout 0.2`.

# %% tags=["parameters"]
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
# The images of Task 1, the network of Task 1C with two hidden dense layers of 64 units.

# %% [markdown]
# ## Predict
#
# With 0.4 of the hidden units missing in every training step.

# %% tags=["predict"]
course.ask("task5a", 1)

# %% [markdown]
# ## Look
#
# Imagine having to recognise each of these pictures again in a thousand. What would you remember it by? A hair, a
# shadow, the outline: whatever is unique about a picture is the easiest thing to remember, and the least useful.

# %%
plots.extremes(skin, "dark area")

# %% [markdown]
# ## Play
#
# Set the dropout rate of a small network, train, and compare with the run before: what happens to each of the two
# curves?

# %%
widgets.playground("task5a")

# %% [markdown]
# ## The evidence
#
# In every training step each unit of the hidden dense layers is left out with probability 0.4 (Srivastava et al.,
# 2014). What one unit has memorized is then of no use to the next, because it may not be there. In Keras: `x =
# layers.Dense(64, activation="relu")(x)`, then `x = layers.Dropout(0.4)(x)`.

# %%
base = skin.run(model="alexnet", learning_rate=lr, epochs=n_epoch, batch_size=batch_s, n_base=n_base, seed=seed)
configs = {"no dropout": base, f"dropout {dropout:g}": base.with_(dropout=dropout)}

# %% tags=["nbval-ignore-output"]
runs = training.train_all(configs, skin, reuse=reuse, train_missing=train_missing, on_epoch=plots.live_curves(configs))

# %%
plots.learning_curves(runs)

# %% [markdown]
# Where do the dashed and the solid line part in each column? Watch the loss: where a network over-fits, it turns
# upwards while the accuracy may still look calm, because it also counts how sure the network is of its errors.

# %%
plots.compare_curves(runs)

# %%
widgets.beside_the_lab(runs, "task5a")

# %% [markdown]
# The report also gives training accuracies and losses for these runs, so they stand here too.

# %%
audit.run_table(runs, skin, task="task5a")

# %% [markdown]
# The gap at the end, and the epoch from which the validation loss stays above its minimum:

# %%
evaluate.gap_table(runs)

# %% [markdown]
# How much of a gap is the measurement? The training accuracy of a run with dropout is taken while units are missing.
# Here it is beside that of the same network with all units present, on a fixed part of the training images.

# %%
evaluate.gap_table(runs, both_ways=True)

# %% [markdown]
# Does each of the settings over-fit, by its loss and by its gap, and does dropout change the gap? The sentences are
# chosen from the numbers, by code.

# %%
seeds = evaluate.with_seeds(runs)
for label, own in seeds.items():
    evaluate.tell("over-fitting", own, label=label)
plain, dropped = seeds.get("no dropout"), seeds.get(f"dropout {dropout:g}")
evaluate.tell("gap", plain, dropped)

# %%
evaluate.paired_table(runs)

# %% [markdown]
# One seed and the images that chose the epoch: the other way to ask is on the exam, with every seed that is stored.

# %%
evaluate.exam_table(seeds)

# %%
evaluate.tell("better", plain, dropped)

# %% [markdown]
# The conclusions of the report. *What the lab could know* judges as the report could have: its validation images, one
# seed. *What holds for these images* judges on an exam on which no network and no epoch was chosen, over all seeds that are
# stored. The rules, folded below the table, say when a difference counts.

# %%
verdicts = evaluate.judge_task(runs, "task5a")
evaluate.verdict_table(verdicts)

# %% [markdown]
# How far does this carry? The same settings were trained on photographs of real lesions, which are not part of the lab,
# and judged by the same rules. There is no exam for them, and one seed.

# %%
evaluate.real_table(verdicts)

# %% [markdown]
# Their curves, to be read as those above: in which of the two settings do the lines part, and when?

# %%
plots.real_curves("task5a")

# %% [markdown]
# ## Explore
#
# Over-fitting is over-confidence. Move through the epochs and watch where the calibration goes.

# %%
widgets.epoch_scrubber(runs, skin)

# %% [markdown]
# Dropout can also be left on when predicting: a hundred passes give a hundred answers for one image, and their spread
# says how sure the network is (Gal and Ghahramani 2016).

# %%
widgets.monte_carlo_dropout(runs.get(f"dropout {dropout:g}"), skin)

# %% tags=["predict"]
course.ask("task5a", 2, runs)

# %% [markdown]
# ## Write
#
# What does a dropout layer do, in training and afterwards? Write its forward pass. The check says what went in, what
# came out, what was expected, and which mistake it is if it knows it.

# %% tags=["exercise"]
import numpy as np


def dropout_forward(x, rate, draws, training):
    """The output of a dropout layer for the units x (batch, units).

    In training a unit is left out where its draw, a number from 0 to 1, is below the rate, and what stays is made
    larger so that the mean stays the same. Otherwise x comes back as it is.
    """
    ### BEGIN SOLUTION
    if not training:
        return x
    return np.where(draws < rate, 0, x / (1 - rate))
    ### END SOLUTION


# %% tags=["check"]
check.exercise(dropout_forward)

# %% [markdown]
# ## Answer
#
# **Question.** How does over-fitting show without dropout, and what does dropout change? If you only had the best
# validation accuracies, what would you conclude?

# %% [markdown] tags=["answer"]
# *Your answer:*

# %% [markdown] tags=["reference"]
# When you have written yours, open ours.
#
# <details><summary><b>Reference answer</b></summary>
#
# Over-fitting has two signs: a training curve that leaves the validation curve behind, and a validation loss that turns
# and climbs. A run may show the first without the second: the sentences above say which of them these settings show, on
# the images that were looked at and on the exam. Dropout holds the training curve back, partly because that is measured
# with units missing, and can close a gap only where one has opened. The best validation accuracy is taken before the
# gap opens, and so may hardly differ: from it alone one would conclude that dropout does nothing, whether or not it does.
#
# </details>

# %% [markdown]
# The numbers behind it, computed from the runs above:

# %%
widgets.show_evidence(verdicts)

# %% [markdown]
# ## Summary
#
# - Over-fitting is a gap, or a loss that climbs again: a run may show one without the other.
# - Dropout holds the training curve back; how wide a gap is depends on how training accuracy is measured.
# - The best epoch hides what happens after it.
#
# Next: [Task 5B](task5b.ipynb) adds batch normalization.
