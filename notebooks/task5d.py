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
# # Task 5D: The same for longer
#
# The two runs of Task 5C go on to 150 epochs. The fast one has had time to learn by heart, the slow one to arrive.
#
# At the end you will be able to say
#
# - from which epoch on a run over-fits, by a definition that leaves no room for taste,
# - why "which network is better" depends on when one asks,
# - what early stopping would have chosen.
#
# With the stored runs it takes seconds to run and about half an hour to think through; the [index](index.ipynb) says what
# training everything here would take.

# %% [markdown]
# ## Parameters
#
# The settings of the lab report. Change one and run the notebook again, or give it on the command line:
# `papermill task5d.ipynb out.ipynb -p n_epoch 200`.

# %% tags=["parameters"]
lr: float = 1e-5  # learning rate, above 0 and at most 1
n_epoch: int = 150  # epochs (passes over the training images), a whole number from 1
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
# The first epochs of both runs are those of [Task 5C](task5c.ipynb): they are continued, not repeated.

# %% [markdown]
# ## Look at the data
#
# These are training images. The validation images are never trained on, but they are looked at after every epoch: 150 times
# by the end.

# %%
plots.sample_grid(skin, n=8)

# %% [markdown]
# The more often one looks, the better the best look is, by chance alone. Longer training means more looks.

# %% [markdown]
# ## The experiment
#
# The same switch as before, for longer.

# %%
base = RunConfig(
    dataset="skin", model="alexnet", learning_rate=lr, epochs=n_epoch, batch_size=batch_s, n_base=n_base,
    dropout=dropout, image_size=image_size, n_train=n_train, n_val=n_val, seed=seed,
)  # fmt: skip
configs = {"no batch norm": base, "batch norm": base.with_(batch_norm=True)}

# %% tags=["nbval-ignore-output"]
runs = training.train_all(configs, skin, reuse=reuse, train_missing=train_missing, on_epoch=plots.live_curves())

# %%
plots.learning_curves(runs)

# %% [markdown]
# Draw a vertical line at epoch 80 in your mind: that is where Task 5C stopped. What would you have concluded there, and what
# do you conclude now?

# %%
plots.compare_curves(runs)

# %% [markdown]
# ## Result

# %%
evaluate.run_table(runs, lab.reported("task5d"))

# %% [markdown]
# A run over-fits from the epoch after which its smoothed validation loss stays more than 0.02 above its minimum. A dash means
# that it never does so.

# %%
evaluate.gap_table(runs)

# %%
verdicts = evaluate.judge_all(runs, "task5d")
evaluate.verdict_table(verdicts)

# %%
evaluate.paired_table(runs)

# %% [markdown]
# ## Explore
#
# Move to the end of the run with batch normalization: how sure is it of itself, and how right?

# %% tags=["nbval-ignore-output"]
widgets.explore_epochs(plots.reliability, dict(reversed(runs.items())))

# %% [markdown]
# The last run of the table at its best epoch, without a control:

# %%
widgets.show_first(plots.reliability, dict(reversed(runs.items())))

# %% [markdown]
# ## Answer
#
# **Question.** From which epoch on does the normalized network over-fit, and does the other keep generalizing? Which of the two would you use, and from which epoch?

# %% [markdown]
# *Your answer:*

# %% [markdown]
# When you have written yours, open ours.
#
# <details><summary><b>Reference answer</b></summary>
#
# The normalized network may reach its lowest validation loss early and then pay for its speed: training goes on
# improving, validation does not, and the loss climbs. The plain one is slower and may still be improving at the end.
# Early stopping, taking the weights of the lowest validation loss, makes the question which of them over-fits later
# much less important.
#
# </details>

# %% [markdown]
# And the numbers behind it, computed from the runs above:

# %%
widgets.show_evidence(verdicts)

# %% [markdown]
# ## Summary
#
# - "Over-fits from epoch n" needs a definition: ours is in code, and is shown.
# - The order of two networks can change with the epoch.
# - Stopping at the lowest validation loss takes the sting out of over-fitting.
#
# Next: [Task 6A](task6a.ipynb) drops whole feature maps.
