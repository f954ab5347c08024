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
# # Task 1B: Learning rates
#
# A melanoma and a harmless nevus can look alike. In this notebook VGG16, a network of thirteen convolutions, learns to
# tell them apart three times: each time with another **learning rate**, and with nothing else changed.
#
# At the end you will be able to say
#
# - what a learning rate that is too high, and one that is too low, look like in a pair of learning curves,
# - why the lowest validation loss and the best validation accuracy need not come from the same epoch,
# - how much of a difference between two accuracies could be chance.
#
# With the stored runs it takes a few seconds to run and about half an hour to think through. The index says how long
# training everything here would take.

# %% [markdown]
# ## Parameters
#
# These are the settings of the lab report. Change one and run the notebook again, or give it on the command line:
# `papermill task1b.ipynb out.ipynb -p lr 1e-5`.

# %% tags=["parameters"]
lr: list = [1e-4, 1e-5, 1e-6]  # learning rate: one number above 0 and at most 1, or a list of them
n_epoch: int = 100  # epochs (passes over the training images), a whole number from 1
batch_s: int = 8  # images per training step, a whole number from 1
n_base: int = 8  # filters of the first block, from 1; the later blocks have up to eight times as many
dropout: float = 0.0  # share of the dense layers' units left out in a step, at least 0 and below 1
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
from labutils.config import RunConfig, as_list, scientific
from labutils.data import load_dataset
from labutils.evaluate import lab

skin = load_dataset("skin", image_size, source=source, n_train=n_train, n_val=n_val)
print(skin.banner())

# %% [markdown]
# The line above says whose images these are. The lab's own images are not public: unless you put them into `data/`,
# you work with *phantoms*, lesions drawn by a program. They teach the same lessons, but no result on them says
# anything about patients.
#
# Both classes are equally frequent. A network that always gives the same answer is therefore right half of the time:
# 0.5 is the accuracy to beat.

# %% [markdown]
# ## Look at the data
#
# Before any training, look at what is to be learned. Dermatologists speak of the ABCD rule: **a**symmetry,
# **b**order, **c**olour, **d**iameter. Which of them can you still see in small grey images, and which are lost?

# %%
plots.sample_grid(skin, n=8)

# %% [markdown]
# Some pictures are easy, and some you would get wrong yourself. Keep that in mind when you read accuracies: part of
# the errors that a network makes here can be made by anyone.

# %% [markdown]
# ## The experiment
#
# The learning rate is the size of the step that the optimizer takes against the gradient. Adam adapts the step for
# every weight, but the rate remains the scale of all of them. The three rates are ten times apart, so expect three
# different pictures, not three shades of one.

# %%
settings = [
    RunConfig(
        dataset="skin", model="vgg16", learning_rate=rate, epochs=n_epoch, batch_size=batch_s, n_base=n_base,
        dropout=dropout, image_size=image_size, n_train=n_train, n_val=n_val, seed=seed,
    )
    for rate in as_list(lr)
]  # fmt: skip
configs = {f"lr {scientific(config.learning_rate)}": config for config in settings}

# %% [markdown]
# Three runs, alike in everything but the rate: same initial weights, same order of the images. What is stored is
# read from `results/runs`; what is not says what it would cost.

# %% tags=["nbval-ignore-output"]
runs = training.train_all(configs, skin, reuse=reuse, train_missing=train_missing, on_epoch=plots.live_curves())

# %%
plots.learning_curves(runs)

# %% [markdown]
# Read each column from left to right. Does the training loss fall, and how fast? Does the validation loss follow it,
# or does it turn upwards while the training loss goes on falling? From that point on the network learns its
# training images by heart: it *over-fits*.
#
# Now compare the columns on one pair of axes.

# %%
plots.compare_curves(runs)

# %% [markdown]
# ## Result
#
# The report quotes the best validation accuracy over all epochs, and one loss without saying which. We show both: the
# lowest validation loss, and the loss at the epoch of the best accuracy.

# %%
evaluate.run_table(runs, lab.reported("task1b"))

# %% [markdown]
# The brackets are the 95 % interval after Wilson: with a few hundred validation images, accuracies that differ by a few points may
# well come from equally good networks. The best of a hundred epochs is also picked *because* it did well on these very
# images, so it flatters every run. A fair final judgement would need a third set of images that no choice was made on.
#
# Since all runs were judged on the same images, they can be compared image by image. McNemar's test asks: of the
# images that exactly one of the two gets right, does one network win more often than a fair coin would?

# %%
evaluate.paired_table(runs)

# %% [markdown]
# Now the conclusions of the report, each with the rule by which it is judged here. *Undecided* is not a failure: it
# says that this experiment is too small to tell.

# %%
verdicts = evaluate.judge_all(runs, "task1b")
evaluate.verdict_table(verdicts)

# %% [markdown]
# ## Explore
#
# Every epoch's predictions are stored. Choose a run and move through its epochs: where do the errors go as it learns?

# %% tags=["nbval-ignore-output"]
widgets.explore_epochs(plots.confusion_matrix, runs)

# %% [markdown]
# The same for the first run at its best epoch, without a control:

# %%
widgets.show_first(plots.confusion_matrix, runs)

# %% [markdown]
# ## Answer
#
# **Question.** Which of the three learning rates would you choose, and what in the curves rules out the other two?
# Would you trust your choice if the three accuracies were all you knew?

# %% [markdown]
# *Your answer:*

# %% [markdown]
# When you have written yours, open ours.
#
# <details><summary><b>Reference answer</b></summary>
#
# Too high a rate shows as a training accuracy that runs to one while the validation loss turns and climbs: the network
# memorizes. Too low a rate shows as curves that still fall, slowly, when the epochs are over: the run is unfinished.
# The rate to choose is the one between: its validation loss goes about as low as that of the high rate, and stays
# there. The accuracies alone would not show this: between the two higher rates the difference may be chance, and the
# best epoch hides what comes after it.
#
# </details>

# %% [markdown]
# And the numbers behind it, computed from the runs above:

# %%
widgets.show_evidence(verdicts)

# %% [markdown]
# ## Summary
#
# - A high rate over-fits early, a low one does not arrive: both can be read from the curves before any table.
# - The loss sees how sure a network is of its errors, the accuracy only counts them: their best epochs differ.
# - A few points of accuracy on a few hundred images are within chance: intervals and paired tests say how far.
#
# Next: [Task 1C](task1c.ipynb) keeps the rate and changes the network.
