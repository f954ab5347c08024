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
# # Task 5A: Dropout
#
# AlexNet at a learning rate of 1e-4 learns a thousand skin images quickly, and soon by heart. **Dropout** with a rate of 0.4
# on its dense layers is to prevent that.
#
# At the end you will be able to say
#
# - how over-fitting looks in accuracy and in loss, and which shows it first,
# - what dropout changes in the training curve and in the validation curve,
# - why the best validation accuracy may hardly change at all.
#
# With the stored runs it takes seconds to run and about half an hour to think through; the [index](index.ipynb) says what
# training everything here would take.

# %% [markdown]
# ## Parameters
#
# The settings of the lab report. Change one and run the notebook again, or give it on the command line:
# `papermill task5a.ipynb out.ipynb -p dropout 0.2`.

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
# The images of Task 1, the network of Task 1C with two hidden dense layers of 64 units.

# %% [markdown]
# ## Look at the data
#
# Imagine having to recognise each of these pictures again in a thousand. What would you remember it by? Probably not by the
# property that makes it a melanoma.

# %%
plots.sample_grid(skin, n=8)

# %% [markdown]
# A hair, a shadow, the outline: whatever is unique about a picture is the easiest thing to remember, and the least useful.

# %% [markdown]
# ## The experiment
#
# In every training step each unit of the hidden dense layers is left out with probability 0.4 (Srivastava et al., 2014).
# What one unit has memorized is then of no use to the next, because it may not be there.

# %%
base = RunConfig(
    dataset="skin", model="alexnet", learning_rate=lr, epochs=n_epoch, batch_size=batch_s, n_base=n_base,
    image_size=image_size, n_train=n_train, n_val=n_val, seed=seed,
)  # fmt: skip
configs = {"no dropout": base, f"dropout {dropout:g}": base.with_(dropout=dropout)}

# %% tags=["nbval-ignore-output"]
runs = training.train_all(configs, skin, reuse=reuse, train_missing=train_missing, on_epoch=plots.live_curves())

# %%
plots.learning_curves(runs)

# %% [markdown]
# Where do the dashed and the solid line part in each column? Watch the loss: it turns upwards while the accuracy still looks
# calm, because it also counts how sure the network is of its errors.

# %%
plots.compare_curves(runs)

# %% [markdown]
# ## Result
#
# The report also gives training accuracies and losses for these runs, so they stand here too.

# %%
evaluate.run_table(runs, lab.reported("task5a"))

# %% [markdown]
# The gap at the end, and the epoch from which the validation loss stays above its minimum:

# %%
evaluate.gap_table(runs)

# %%
evaluate.paired_table(runs)

# %% [markdown]
# One run for each setting: whether other seeds would say the same is shown in [Task 3](task3.ipynb), which has them.

# %%
verdicts = evaluate.judge_all(runs, "task5a")
evaluate.verdict_table(verdicts)

# %% [markdown]
# ## Explore
#
# Over-fitting is over-confidence. Choose a run, move through its epochs and watch where the reliability curve goes.

# %% tags=["nbval-ignore-output"]
widgets.explore_epochs(plots.reliability, runs)

# %% [markdown]
# The first run at its best epoch, without a control:

# %%
widgets.show_first(plots.reliability, runs)

# %% [markdown]
# ## Answer
#
# **Question.** How does over-fitting show without dropout, and what does dropout change? If you only had the best validation accuracies, what would you conclude?

# %% [markdown]
# *Your answer:*

# %% [markdown]
# When you have written yours, open ours.
#
# <details><summary><b>Reference answer</b></summary>
#
# Without dropout the training curve goes on to near perfection while the validation loss turns and climbs: the gap is
# what was learned by heart. With dropout the training curve is held back, since parts of the network are missing in
# every step, and the two curves stay together for longer. The best validation accuracy is taken early, before the gap
# opens, and so hardly differs: from it alone one would conclude that dropout does nothing.
#
# </details>

# %% [markdown]
# And the numbers behind it, computed from the runs above:

# %%
widgets.show_evidence(verdicts)

# %% [markdown]
# ## Summary
#
# - Over-fitting is a gap, and shows in the loss before it shows in the accuracy.
# - Dropout holds the training curve back, and keeps the gap small.
# - The best epoch hides what happens after it.
#
# Next: [Task 5B](task5b.ipynb) adds batch normalization.
