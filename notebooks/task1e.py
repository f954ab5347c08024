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
# # Task 1E: Three networks on equal terms
#
# LeNet, AlexNet and VGG16 have two, five and thirteen convolutions. This notebook puts them side by side **on equal terms**:
# same images, same learning rate, same number of epochs, eight filters in the first block.
#
# At the end you will be able to say
#
# - what "deeper" means in layers, parameters, operations and receptive field,
# - how a loss is judged, and why it says more than an accuracy,
# - how over-fitting shows, and which means there are against it.
#
# With the stored runs it takes seconds to run and about half an hour to think through; the [index](index.ipynb) says what
# training everything here would take.

# %% [markdown]
# ## Parameters
#
# The settings of the lab report. Change one and run the notebook again, or give it on the command line:
# `papermill task1e.ipynb out.ipynb -p n_base 16`.

# %% tags=["parameters"]
lr: float = 1e-5  # learning rate, above 0 and at most 1
n_epoch: int = 100  # epochs (passes over the training images), a whole number from 1
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

skin = load_dataset("skin", image_size, source=source, n_train=n_train, n_val=n_val)
print(skin.banner())

# %% [markdown]
# Every network gets these images in the same order, from the same seed.

# %% [markdown]
# ## Look at the data
#
# Choose one lesion below and ask how large a part of the picture you need to see in order to judge its symmetry. Keep the
# answer in mind for the column *receptive field* further down.

# %%
plots.sample_grid(skin, n=8)

# %% [markdown]
# Symmetry needs the whole lesion. A network whose units each see a small window can only leave that to its dense layers.

# %% [markdown]
# ## The experiment
#
# First the three networks as numbers. A receptive field is the part of the image that one position after the last
# max-pooling depends on.

# %%
base = RunConfig(
    dataset="skin", model="vgg16", learning_rate=lr, epochs=n_epoch, batch_size=batch_s, n_base=n_base,
    dropout=dropout, image_size=image_size, n_train=n_train, n_val=n_val, seed=seed,
)  # fmt: skip
configs = {"LeNet": base.with_(model="lenet"), "AlexNet": base.with_(model="alexnet"), "VGG16": base}

# %%
evaluate.network_table(configs, skin.n_classes)

# %% [markdown]
# Read the table from the bottom up. The deepest network does the most work per image; the shallowest has by far the most
# parameters. LeNet halves the image only twice, so its dense layer receives a large map and needs a weight for every field.

# %% tags=["nbval-ignore-output"]
runs = training.train_all(configs, skin, reuse=reuse, train_missing=train_missing, on_epoch=plots.live_curves())

# %%
plots.learning_curves(runs)

# %% [markdown]
# The dotted line is guessing: a loss of ln 2, an accuracy of one half. How long does each network stay there, and what does
# it do once it has left it?

# %%
plots.compare_curves(runs)

# %% [markdown]
# ## Result
#
# The report discusses this comparison without numbers, so that ours stand alone.

# %%
evaluate.run_table(runs)

# %%
evaluate.gap_table(runs)

# %% [markdown]
# A network that has learned its training images by heart shows a wide gap, and a validation loss that rises while its
# accuracy stays: it is not wrong more often, but more sure of itself when it is.

# %%
evaluate.paired_table(runs)

# %%
plots.accuracy_intervals(runs)

# %% [markdown]
# What did each of them cost in time? Only rows from the same machine can be compared.

# %% tags=["nbval-ignore-output"]
evaluate.time_table(runs)

# %% [markdown]
# Areas under the ROC curve, recall per class and the Brier score judge the same predictions in other ways.

# %%
evaluate.quality_table(runs)

# %% [markdown]
# ## Explore
#
# What would a wider first block cost each of the three?

# %% tags=["nbval-ignore-output"]
widgets.explore_number(
    lambda filters: evaluate.network_table({name: c.with_(n_base=filters) for name, c in configs.items()}),
    "filters", values=[4, 8, 16, 32, 64], start=n_base,
)  # fmt: skip

# %% [markdown]
# The same for twice the filters, without a control:

# %%
evaluate.network_table({name: config.with_(n_base=2 * n_base) for name, config in configs.items()}, skin.n_classes)

# %% [markdown]
# ## Answer
#
# **Question.** Which of the three would you choose, and why? How do you judge a loss: what is a good value, and what does its course tell you? Name the means against over-fitting that you know, and what each does.

# %% [markdown]
# *Your answer:*

# %% [markdown]
# When you have written yours, open ours.
#
# <details><summary><b>Reference answer</b></summary>
#
# Depth buys a larger receptive field, here with hardly more parameters than AlexNet has and far fewer than LeNet, at
# the price of more work per image and a slower start. We would choose the network that the paired tests place first,
# and where they place none, the one that costs least. A loss is judged against guessing (ln 2 for two balanced classes)
# and by its course: falling on both sets is learning, falling on one and rising on the other is memorizing. Against
# over-fitting help more images or augmented ones, fewer parameters, dropout, stopping at the lowest validation loss,
# and batch normalization to a degree. The tables above say how much of this the three networks show here; the paired
# tests say how sure that is.
#
# </details>

# %% [markdown]
# ## Summary
#
# - Depth is measured in layers, receptive field and work; the number of parameters may run the other way.
# - A loss sees over-fitting earlier than an accuracy.
# - A choice between networks needs intervals, and paired tests.
#
# Next: [Task 2](task2.ipynb) takes VGG16 to another kind of image.
