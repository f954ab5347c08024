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
# # Task 5C: Batch normalization at a small learning rate
#
# At a rate of 1e-4 batch normalization made AlexNet fast. Here the rate is **ten times smaller**, with dropout 0.4 in both
# runs. Does normalization still help, and on which curve?
#
# At the end you will be able to say
#
# - how learning rate and batch normalization depend on each other,
# - why a higher accuracy and a lower loss are two claims, not one,
# - how to judge both with the same stored predictions.
#
# With the stored runs it takes seconds to run and about half an hour to think through; the [index](index.ipynb) says what
# training everything here would take.

# %% [markdown]
# ## Parameters
#
# The settings of the lab report. Change one and run the notebook again, or give it on the command line:
# `papermill task5c.ipynb out.ipynb -p lr 1e-6`.

# %% tags=["parameters"]
lr: float = 1e-5  # learning rate, above 0 and at most 1
n_epoch: int = 80  # epochs (passes over the training images), a whole number from 1
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
# Same images and network as in Task 5A; rate and number of epochs are new, so both runs are.

# %% [markdown]
# ## Look at the data
#
# One more look, this time at the hard ones: which of these would you not dare to label? A network that is unsure about them
# is a better colleague than one that is sure.

# %%
plots.sample_grid(skin, n=8)

# %% [markdown]
# Being unsure where it is right to be unsure is what a low loss rewards, and an accuracy does not see.

# %% [markdown]
# ## The experiment
#
# One switch: batch normalization off and on.

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
# Has the run without normalization arrived after the last epoch, or is its loss still falling? If it is, this comparison
# favours the faster one. [Task 5D](task5d.ipynb) gives both more time.

# %%
plots.compare_curves(runs)

# %% [markdown]
# ## Result

# %%
evaluate.run_table(runs, lab.reported("task5c"))

# %%
evaluate.paired_table(runs)

# %% [markdown]
# The claim has two halves, and each is judged by its own rule.

# %%
verdicts = evaluate.judge_all(runs, "task5c")
evaluate.verdict_table(verdicts)

# %%
evaluate.quality_table(runs)

# %% [markdown]
# ## Explore
#
# Move through the epochs: when does each network begin to tell the classes apart?

# %% tags=["nbval-ignore-output"]
widgets.explore_epochs(plots.confusion_matrix, runs)

# %% [markdown]
# The first run at its best epoch, without a control:

# %%
widgets.show_first(plots.confusion_matrix, runs)

# %% [markdown]
# ## Answer
#
# **Question.** At this rate, does batch normalization give the better network? Answer separately for accuracy and for loss, and say how sure you are of each.

# %% [markdown]
# *Your answer:*

# %% [markdown]
# When you have written yours, open ours.
#
# <details><summary><b>Reference answer</b></summary>
#
# At a small rate the plain network needs most of its epochs to get going; normalization gives it the larger effective
# steps that the rate denies it, so at a given epoch it is ahead. The loss can tell two networks apart that the accuracy
# cannot: every image contributes a number to it, not only a yes or no. That is why the two halves of the claim may come
# out differently.
#
# </details>

# %% [markdown]
# And the numbers behind it, computed from the runs above:

# %%
widgets.show_evidence(verdicts)

# %% [markdown]
# ## Summary
#
# - Batch normalization makes up for a small learning rate.
# - Higher accuracy and lower loss are two claims.
# - A comparison at a fixed epoch favours whoever is faster.
#
# Next: [Task 5D](task5d.ipynb) gives both networks nearly twice the time.
