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
# # Task 1D: More filters, and dropout
#
# Task 1C compared networks of different depth. Here the **width** changes: VGG16 with 8 filters in its first block, or 16.
# And because a wider network can learn more by heart, **dropout** is added to the wider one.
#
# At the end you will be able to say
#
# - how the number of parameters grows with the width,
# - whether a wider network is a better one on a thousand images,
# - what dropout does to the training curve, and why that is not a bad sign.
#
# With the stored runs it takes seconds to run and about half an hour to think through; the [index](index.ipynb) says what
# training everything here would take.

# %% [markdown]
# ## Parameters
#
# The settings of the lab report. Change one and run the notebook again, or give it on the command line:
# `papermill task1d.ipynb out.ipynb -p dropout 0.5`.

# %% tags=["parameters"]
lr: float = 1e-5  # learning rate, above 0 and at most 1
n_epoch: int = 100  # epochs (passes over the training images), a whole number from 1
batch_s: int = 8  # images per training step, a whole number from 1
n_base: int = 16  # filters of the first block of the wider network; it is compared with 8
dropout: float = 0.2  # share of the dense layers' units left out in a step, at least 0 and below 1
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
# Images, learning rate and epochs are those of Task 1B: only the network changes.

# %% [markdown]
# ## Look at the data
#
# A thousand training images are few: a network with a few hundred thousand parameters has hundreds for each of them. Which
# accidental properties of these pictures (a hair, a shadow) could be learned by heart instead of the lesion?

# %%
plots.sample_grid(skin, n=8)

# %% [markdown]
# A network that has the room will use such accidents: they tell the training images apart perfectly and are of no use for
# any other image.

# %% [markdown]
# ## The experiment
#
# Dropout (Srivastava et al., 2014) leaves out a random share of the dense layers' units in every training step, so that no
# unit can rely on another one being there. In validation all units are present.

# %%
base = RunConfig(
    dataset="skin", model="vgg16", learning_rate=lr, epochs=n_epoch, batch_size=batch_s, n_base=n_base,
    image_size=image_size, n_train=n_train, n_val=n_val, seed=seed,
)  # fmt: skip
configs = {
    "b8": base.with_(n_base=8),
    f"b{n_base}": base,
    f"b{n_base}, dropout {dropout:g}": base.with_(dropout=dropout),
}

# %%
evaluate.network_table(configs, skin.n_classes)

# %% [markdown]
# Twice the filters make four times the weights of a convolution, since both its inputs and its outputs double. Dropout adds
# no parameters at all.

# %% tags=["nbval-ignore-output"]
runs = training.train_all(configs, skin, reuse=reuse, train_missing=train_missing, on_epoch=plots.live_curves())

# %%
plots.learning_curves(runs)

# %% [markdown]
# With dropout the training accuracy is measured while units are missing, and the validation accuracy with all of them. If
# the dashed line runs below the solid one, that is the reason, and no error.

# %%
plots.compare_curves(runs)

# %% [markdown]
# ## Result
#
# The report quotes two accuracies for b8: .8500 in Tasks 1B and 3, .8450 in Tasks 1C and 1D. Here both are one run.

# %%
evaluate.run_table(runs, lab.reported("task1d"))

# %% [markdown]
# How far do training and validation lie apart at the end? A gap says how much was learned by heart.

# %%
evaluate.gap_table(runs)

# %%
evaluate.paired_table(runs)

# %% [markdown]
# *No better* and *equally good* are harder to show than *better*: it is not enough that no difference was found, the
# interval must also exclude any difference that would matter. The rule column says which one that is.

# %%
verdicts = evaluate.judge_all(runs, "task1d")
evaluate.verdict_table(verdicts)

# %% [markdown]
# ## Explore
#
# A reliability curve compares what a network says with what happens: of the images to which it gives a probability of 0.8,
# are about eight in ten of that class? Move through the epochs and watch the confidence grow.

# %% tags=["nbval-ignore-output"]
widgets.explore_epochs(plots.reliability, runs)

# %% [markdown]
# The first network at its best epoch, without a control:

# %%
widgets.show_first(plots.reliability, runs)

# %% [markdown]
# ## Answer
#
# **Question.** Does it pay to double the width here? What does dropout change, in the curves and in the best accuracy, and why is a small improvement on a few hundred images hard to believe?

# %% [markdown]
# *Your answer:*

# %% [markdown]
# When you have written yours, open ours.
#
# <details><summary><b>Reference answer</b></summary>
#
# A wider network has room for more patterns, but also for learning a small training set by heart: width pays when there
# are enough images to fill it. Dropout takes away the ease of learning by heart: the training curve rises more slowly
# and the gap to validation gets smaller. What is gained in the best accuracy is at most a few images, and a paired test
# on so few cannot tell a small gain from luck.
#
# </details>

# %% [markdown]
# And the numbers behind it, computed from the runs above:

# %%
widgets.show_evidence(verdicts)

# %% [markdown]
# ## Summary
#
# - Twice the width is four times the weights of a convolution, and nearly that for the whole network.
# - Dropout acts on the gap first, on the best accuracy little.
# - "No better" needs an interval, not just a missing difference.
#
# Next: [Task 1E](task1e.ipynb) sets all three networks side by side.
