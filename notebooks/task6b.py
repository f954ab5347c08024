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
# # Task 6B: Spatial dropout for longer
#
# After 150 epochs the run with **spatial dropout** may still be on its way. Both runs of Task 6A go on to 250.
#
# At the end you will be able to say
#
# - whether the slower run catches up, and on which curve,
# - what "at least as good" demands of a test,
# - whether the smaller gap was worth the epochs.
#
# With the stored runs it takes seconds to run and about half an hour to think through; the [index](index.ipynb) says what
# training everything here would take.

# %% [markdown]
# ## Parameters
#
# The settings of the lab report. Change one and run the notebook again, or give it on the command line:
# `papermill task6b.ipynb out.ipynb -p n_epoch 300`.

# %% tags=["parameters"]
lr: float = 1e-5  # learning rate, above 0 and at most 1
n_epoch: int = 250  # epochs (passes over the training images), a whole number from 1
batch_s: int = 8  # images per training step, a whole number from 1
n_base: int = 32  # filters of the first block, from 1; later blocks have a multiple of it
dropout: float = 0.4  # share of the dense layers' units left out in a step, at least 0 and below 1
spatial_dropout: float = 0.1  # share of the feature maps left out in a step, at least 0 and below 1
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
# Nothing changes but the number of epochs: the first 150 are those of [Task 6A](task6a.ipynb).

# %% [markdown]
# ## Look at the data
#
# The same pictures again, the 250th time for the network.

# %%
plots.sample_grid(skin, n=8)

# %% [markdown]
# It has seen every training image as often as there are epochs. Would you still be looking at the lesion?

# %% [markdown]
# ## The experiment
#
# The same switch, for longer.

# %%
base = RunConfig(
    dataset="skin", model="alexnet", learning_rate=lr, epochs=n_epoch, batch_size=batch_s, n_base=n_base,
    dropout=dropout, image_size=image_size, n_train=n_train, n_val=n_val, seed=seed,
)  # fmt: skip
configs = {
    "no spatial dropout": base,
    f"spatial dropout {spatial_dropout:g}": base.with_(spatial_dropout=spatial_dropout),
}

# %% tags=["nbval-ignore-output"]
runs = training.train_all(configs, skin, reuse=reuse, train_missing=train_missing, on_epoch=plots.live_curves())

# %%
plots.learning_curves(runs)

# %% [markdown]
# Look at the last hundred epochs only. Which curves still move, and in which direction?

# %%
plots.compare_curves(runs)

# %% [markdown]
# ## Result

# %%
evaluate.run_table(runs, lab.reported("task6b"))

# %%
evaluate.gap_table(runs)

# %% [markdown]
# To *catch up* is to be no worse. A test that finds no difference is not enough for that: the interval of the difference must
# exclude a loss that would matter.

# %%
evaluate.paired_table(runs)

# %%
verdicts = evaluate.judge_all(runs, "task6b")
evaluate.verdict_table(verdicts)

# %% [markdown]
# ## Explore
#
# Choose a run and move through its epochs: does the one with the smaller gap also promise less than it keeps?

# %% tags=["nbval-ignore-output"]
widgets.explore_epochs(plots.reliability, runs)

# %% [markdown]
# The first run at its best epoch, without a control:

# %%
widgets.show_first(plots.reliability, runs)

# %% [markdown]
# ## Answer
#
# **Question.** Does spatial dropout catch up, and is its gap smaller? Would you spend the additional epochs?

# %% [markdown]
# *Your answer:*

# %% [markdown]
# When you have written yours, open ours.
#
# <details><summary><b>Reference answer</b></summary>
#
# Given enough epochs the damaged steps may add up to the same place, and the network that arrives there has learned
# less by heart: its training curve stays closer to validation. Whether that is worth it depends on what else would
# close the gap for less: stopping early costs nothing, and more images, or augmented ones, help more.
#
# </details>

# %% [markdown]
# And the numbers behind it, computed from the runs above:

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
