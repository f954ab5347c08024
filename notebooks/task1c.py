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
# # Task 1C: AlexNet against VGG16
#
# Task 1B found a learning rate for VGG16. Here the rate stays and the **network** changes: AlexNet has five convolutions,
# VGG16 thirteen. Is the deeper one better, and does it look at the right thing?
#
# At the end you will be able to say
#
# - what more layers cost, in parameters, in work per image and in time,
# - whether two accuracies differ by more than chance,
# - what a heat map of a network's attention shows, and what it does not.
#
# With the stored runs it takes seconds to run and half an hour to think through.

# %% [markdown]
# ## Parameters
#
# The settings of the lab report. Change one and run the notebook again, or give it on the command line:
# `papermill task1c.ipynb out.ipynb -p n_epoch 10`.

# %% tags=["parameters"]
lr: float = 1e-5  # learning rate, above 0 and at most 1
n_epoch: int = 150  # epochs (passes over the training images), a whole number from 1
batch_s: int = 8  # images per training step, a whole number from 1
n_base: int = 8  # filters of the first block, from 1; later blocks have a multiple of it
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
from labutils.config import RunConfig
from labutils.data import load_dataset
from labutils.evaluate import lab

skin = load_dataset("skin", image_size, source=source, n_train=n_train, n_val=n_val)
print(skin.banner())

# %% [markdown]
# The same images as in [Task 1B](task1b.ipynb): a comparison of networks is only fair on the same images, with the same
# training and for the same number of epochs.

# %% [markdown]
# ## Look at the data
#
# This time look at the border of each lesion and at its inner texture. Which of the two would you need more pixels for?

# %%
plots.sample_grid(skin, n=8)

# %% [markdown]
# A border is a large-scale shape; globules and streaks are a matter of a few pixels. A deeper network sees a larger part of
# the image at once, and combines small patterns into larger ones.

# %% [markdown]
# ## The experiment
#
# Two networks, one setting. AlexNet has a single hidden dense layer of 64 units here, as in the lab report.

# %%
base = RunConfig(
    dataset="skin", model="vgg16", learning_rate=lr, epochs=n_epoch, batch_size=batch_s, n_base=n_base,
    dropout=dropout, image_size=image_size, n_train=n_train, n_val=n_val, seed=seed,
)  # fmt: skip
configs = {"AlexNet": base.with_(model="alexnet", dense=(64,)), "VGG16": base}

# %% [markdown]
# Before any training: what do they cost? Parameters are numbers to be learned; multiply-adds are the work for one image.

# %%
evaluate.network_table(configs, skin.n_classes)

# %% [markdown]
# The two have nearly the same number of parameters, although one has more than twice the layers: most of AlexNet's
# parameters sit in its first dense layer, because it halves the image only three times. The work per image differs more.
#
# The first epochs of the VGG16 run are those of Task 1B: the same settings and seed give the same epochs.

# %% tags=["nbval-ignore-output"]
runs = training.train_all(configs, skin, reuse=reuse, train_missing=train_missing, on_epoch=plots.live_curves())

# %%
plots.learning_curves(runs)

# %% [markdown]
# Compare the height of the validation curves, and also *when* each network leaves the level of guessing. A deep network
# without normalization often stays there for some epochs before anything happens.

# %%
plots.compare_curves(runs)

# %% [markdown]
# What did the training take? The table says on which machine; rows from different ones cannot be compared.

# %% tags=["nbval-ignore-output"]
evaluate.time_table(runs)

# %% [markdown]
# ## Result
#
# The report's accuracy stands beside ours. Look at the two intervals before you look at the two numbers.

# %%
evaluate.run_table(runs, lab.reported("task1c"))

# %% [markdown]
# The intervals treat the two runs as if each had its own images. Both were judged on the same ones, and McNemar's test uses
# that: it only looks at the images on which they disagree.

# %%
evaluate.paired_table(runs)

# %% [markdown]
# Accuracy depends on the threshold of one half. The ROC curve shows what every other threshold would give.

# %%
plots.roc_curve(runs)

# %%
verdicts = evaluate.judge_all(runs, "task1c")
evaluate.verdict_table(verdicts)

# %% [markdown]
# ### What does it look at?
#
# Grad-CAM weighs the last convolution's feature maps by how strongly each pushes the answer, and paints the sum over the
# image: once for predictions that are right, once for some that are wrong.

# %%
widgets.show_gradcam(runs.get("VGG16"), skin)

# %% [markdown]
# Is the heat on the lesion? On its border, its texture, or beside it, on a hair or on the dark corner of the picture? The
# maps are coarse, a few fields across, and the warning under them is meant: a sensible map does not prove a sensible reason.

# %% [markdown]
# ## Explore
#
# Choose a network and move through its epochs: which of the two classes does it learn to recognise first?

# %% tags=["nbval-ignore-output"]
widgets.explore_epochs(plots.confusion_matrix, runs)

# %% [markdown]
# The first network at its best epoch, without a control:

# %%
widgets.show_first(plots.confusion_matrix, runs)

# %% [markdown]
# ## Answer
#
# **Question.** Which network would you use for this problem? Give one reason that the curves show and one that the cost table shows. What would have to be different about the experiment for you to be sure?

# %% [markdown]
# *Your answer:*

# %% [markdown]
# When you have written yours, open ours.
#
# <details><summary><b>Reference answer</b></summary>
#
# The deeper network sees more of the image at once and builds larger patterns from smaller ones, so it can do better
# where shape and texture matter; it also does more work per image. The parameters do not decide it: there are nearly as
# many in both. Whether it really is better is for the paired test to say: with this few validation images only a
# difference of several points can be seen at all. To be sure, one would need more images, several seeds and a test set
# that chose nothing.
#
# </details>

# %% [markdown]
# And the numbers behind it, computed from the runs above:

# %%
widgets.show_evidence(verdicts)

# %% [markdown]
# ## Summary
#
# - More layers are not more parameters: where the image is halved matters as much.
# - Two accuracies are compared image by image, not number by number.
# - A heat map is a question to ask of a network, not an answer.
#
# Next: [Task 1D](task1d.ipynb) makes the network wider.
