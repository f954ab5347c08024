# ---
# jupyter:
#   jupytext:
#     cell_metadata_filter: tags,nbgrader,jupyter,jp-MarkdownHeadingCollapsed,-papermill,-execution,-editable,-slideshow
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
# # Task 2: Bone: filters and dropout
#
# **A fracture is a line a few pixels wide, somewhere in the picture. Forty numbers of the whole picture hardly notice
# it. Does a network?**
#
# At the end you will be able to
#
# - build a VGG16 whose width and dropout are arguments, and train it on fractures
# - see two effects at once, in four runs that cross two settings
# - say why a convolution suits a fracture, and check where the network looks

# %% [markdown]
# ## Parameters
#
# The settings of the lab report, folded. To run with another: `papermill task2.ipynb out.ipynb -p dropout 0.5`.

# %% jupyter={"source_hidden": true} tags=["parameters"]
lr: float = 1e-5  # learning rate, above 0 and at most 1
n_epoch: int = 100  # epochs (passes over the training images), a whole number from 1
batch_s: int = 8  # images per training step, a whole number from 1
n_base: int = 8  # filters of the first block of the narrower network; the wider has twice as many
dropout: float = 0.2  # share of the dense layers' units left out in a step, at least 0 and below 1
seed: int = 0  # decides initial weights and the order of the images, a whole number from 0
image_size: int = 128  # side of the images in pixels, 32 to 1024
channels: int = 1  # 1 (grey) or 3 (colour)
n_train: int = None  # training images, a whole number from 2; None takes all
n_val: int = None  # validation images, a whole number from 2; None takes all
source: str = "auto"  # images: course, public, phantom, or auto for the first of them that is there
reuse: bool = True  # False trains anew even what is stored
train_missing: bool = False  # True trains runs of the lab that are not stored yet

# %% jupyter={"source_hidden": true}
from labutils import audit, course, evaluate, parameters, plots, training
from labutils.course import check, widgets
from labutils.data import load_dataset

parameters.check(globals())
bone = load_dataset("bone", image_size, channels, source, n_train, n_val)
print(bone.banner())

# %% [markdown]
# A fracture of the thigh bone can be *atypical* (AFF): it runs straight across, begins on the outer side, and has to do
# with long treatment by certain drugs. A *normal* one (NFF) runs obliquely and in fragments.

# %% [markdown]
# ## Predict
#
# Two widths, without and with dropout. The *gap* is the training accuracy minus the validation accuracy.

# %% tags=["predict", "revealed-by-gaps"]
course.ask("task2", 1)

# %% [markdown]
# ## Look
#
# Find the fracture first: straight across the shaft or at a slant? Is the cortex, the bright rim, thickened at one
# side? Judge twenty.

# %% jupyter={"source_hidden": true}
rival = training.find(
    bone.run(model="vgg16", learning_rate=lr, epochs=n_epoch, n_base=n_base, seed=seed),
    bone,
    at_least=1,
)
widgets.against_network(rival, bone)

# %% [markdown]
# ## Build it
#
# VGG16 in plain Keras. Every convolution looks through a window of 3x3 pixels, with the same weights at every place,
# and every halving keeps the strongest answers: a line is found wherever it lies.

# %%
import keras
from keras import layers

FIVE = ((1, 2), (2, 2), (4, 3), (8, 3), (8, 3))  # filters, and how many convolutions


def build(side, blocks, filters, rate):
    network = keras.Sequential([keras.Input((side, side, channels))])
    for times, convolutions in blocks:
        for _ in range(convolutions):
            conv = layers.Conv2D(times * filters, 3, padding="same", activation="relu")
            network.add(conv)
        network.add(layers.MaxPooling2D())
    network.add(layers.Flatten())
    for units in (64, 64):
        network.add(layers.Dense(units, activation="relu"))
        network.add(layers.Dropout(rate))
    network.add(layers.Dense(1, activation="sigmoid"))
    return network


# %% [markdown]
# Train two of its blocks on 400 small radiographs, centred and scaled. Then change the marked line. With two filters,
# what can it still find? With more dropout, how long does the validation loss stay down?

# %%
small = bone.small()  # 400 images of 48 x 48 pixels
mean, spread = small.x_train.mean(), small.x_train.std()
x, y = (small.x_train - mean) / spread, small.y_train
new = (small.x_val - mean) / spread, small.y_val

# %% tags=["nbval-ignore-output"]
filters, rate = 8, 0.2  # <- change this: 2 and 0.2, then 8 and 0.6
keras.utils.set_random_seed(seed)
network = build(small.image_size, FIVE[:2], filters, rate)
adam = keras.optimizers.Adam(1e-3)
network.compile(adam, "binary_crossentropy", metrics=["accuracy"])
curves = plots.live_fit(f"{filters} filters, dropout {rate}")
history = network.fit(
    x, y, batch_size=16, epochs=16, verbose=0, validation_data=new, callbacks=[curves]
)

# %% [markdown]
# ## Play
#
# An AlexNet on images of 32 pixels, with a slider for the width. How few filters are enough for fractures?

# %%
widgets.playground("task2")

# %% [markdown]
# ## The evidence
#
# The lab trained all five blocks. Four runs cross two settings, so that each effect can be seen twice.

# %%
settings = {"epochs": n_epoch, "batch_size": batch_s, "n_base": n_base, "seed": seed}
base = bone.run(model="vgg16", learning_rate=lr, **settings)
configs = {}
for width in (n_base, 2 * n_base):
    plain = base.with_(n_base=width)
    configs[f"b{width}"] = plain
    configs[f"b{width}, dropout {dropout:g}"] = plain.with_(dropout=dropout)

# %%
training.same_network(
    build(image_size, FIVE, n_base, dropout),
    configs[f"b{n_base}, dropout {dropout:g}"],
)

# %% tags=["predict", "revealed-by-curves"]
course.ask("task2", 2)

# %% tags=["nbval-ignore-output"]
live = plots.live_curves(configs)
runs = training.train_all(
    configs, bone, reuse=reuse, train_missing=train_missing, on_epoch=live
)

# %% tags=["curves"]
plots.learning_curves(runs, said=course.said("task2", 2))

# %% [markdown]
# Compare neighbours: the first column with the second, the third with the fourth. Where is the gap, and how far down
# does each solid loss come?

# %% [markdown]
# The gap over the last epochs, with the training accuracy measured as validation is, no unit missing; in brackets the
# 95 % interval:

# %% tags=["gaps"]
course.remind("task2", 1)
evaluate.gap_table(runs)

# %%
evaluate.card(runs, bone, task="task2")
audit.tell_simple(runs, bone, task="task2")
widgets.beside_the_lab(runs, "task2")

# %% [markdown]
# Why can a network win here? Each of the forty numbers is taken over the whole picture, and a line of a few pixels
# hardly moves it. A convolution answers *at a place*, and pooling keeps the answer. Where texture or darkness tells
# the classes apart, this is worth less.

# %% [markdown]
# ## Explore
#
# Does it look at the fracture line and the cortex beside it? Choose a layer: its maps show what answers, and where.

# %%
widgets.feature_maps(runs.get(f"b{n_base}"), bone)

# %% [markdown]
# ## Write
#
# This network cannot be trained: `fit` stops at its first batch, with an error about shapes. The labels are 0 and 1, a
# number for each image.

# %%
import keras
from keras import layers


def two_classes(side, n_base):
    network = keras.Sequential([keras.Input((side, side, 1))])
    for filters in n_base, 2 * n_base:
        network.add(layers.Conv2D(filters, 3, padding="same", activation="relu"))
        network.add(layers.MaxPooling2D())
    network.add(layers.Flatten())
    network.add(layers.Dense(2, activation="sigmoid"))
    network.compile(keras.optimizers.Adam(0.005), "mean_squared_error")
    return network


# %% [markdown]
# What would each of its two outputs learn from such a label? Copy it and mend its head: its output and its loss.

# %% tags=["exercise"]
import keras
from keras import layers


def mend_two_classes(side, n_base):
    """The network above, mended: one output, the probability of label 1, and the loss that
    belongs to it."""
    ### BEGIN SOLUTION
    network = keras.Sequential([keras.Input((side, side, 1))])
    for filters in n_base, 2 * n_base:
        network.add(layers.Conv2D(filters, 3, padding="same", activation="relu"))
        network.add(layers.MaxPooling2D())
    network.add(layers.Flatten())
    network.add(layers.Dense(1, activation="sigmoid"))
    network.compile(keras.optimizers.Adam(0.005), "binary_crossentropy")
    return network
    ### END SOLUTION


# %% tags=["check"]
check.exercise(mend_two_classes)

# %% [markdown]
# ## Answer
#
# **Question.** What does dropout do to the curves on Bone, for the narrow and for the wide network? Would you judge it
# by the gap, by the best accuracy or by the lowest loss?

# %% [markdown] tags=["answer"]
# *Your answer (double-click to write):*

# %% [markdown] tags=["reference"]
# When you have written yours, open ours.
#
# <details><summary><b>Reference answer</b></summary>
#
# Dropout makes learning by heart harder: the training curve climbs more slowly, and the gap at the end may be smaller.
# Whether it is, the table of gaps shows for one seed and each width, and the card over all seeds and both. The best
# accuracy may hardly react, because it is taken where the gap was still small: gap, best accuracy and lowest loss are
# three questions.
#
# </details>

# %% [markdown]
# ## Summary
#
# - How few filters suffice, a training shows in seconds.
# - Four runs that cross two settings show each effect twice.
# - A convolution answers at a place; whether that place is the fracture, a heat map lets you ask.
#
# Next: [Task 3](task3.ipynb) asks how far any of these numbers can be trusted.

# %% [markdown] jp-MarkdownHeadingCollapsed=true
# ## Going further
#
# Optional: the losses together, a heat map, what a clinic asks for.

# %%
plots.compare_curves(runs, "val_loss", said=course.said("task2", 2))

# %% [markdown]
# And where does it look, all layers together?

# %%
widgets.show_gradcam(runs.get(f"b{n_base}"), bone)

# %% [markdown]
# How many of the atypical fractures are found, and how many of the others are left alone? Write a function that counts
# them into a confusion matrix.

# %% tags=["exercise"]
import numpy as np


def sensitivity_specificity(truth, probability, threshold=0.5):
    """The 2x2 confusion matrix (row: true label, column: predicted), the sensitivity and
    the specificity.

    Above the threshold the prediction is label 1. A rate of no images at all is nan.
    """
    ### BEGIN SOLUTION
    predicted = (np.asarray(probability) > threshold).astype(int)
    matrix = np.zeros((2, 2), int)
    for true, guess in zip(truth, predicted, strict=True):
        matrix[true, guess] += 1
    negatives, positives = matrix.sum(axis=1)
    sensitivity = matrix[1, 1] / positives if positives else float("nan")
    specificity = matrix[0, 0] / negatives if negatives else float("nan")
    return matrix, sensitivity, specificity
    ### END SOLUTION


# %% tags=["check"]
check.exercise(sensitivity_specificity)
