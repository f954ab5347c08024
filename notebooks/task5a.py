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
# # Task 5A: Dropout
#
# **A network can learn a thousand pictures by heart. Dropout was made to prevent that. Does it, and was there anything
# to prevent?**
#
# At the end you will be able to
#
# - write a dropout layer into a network, and train it
# - see over-fitting, and that loss and accuracy may differ about it
# - say how much of a narrower gap is the measurement itself

# %% [markdown]
# ## Parameters
#
# The settings of the lab report, folded. To run with another: `papermill task5a.ipynb out.ipynb -p dropout 0.2`.

# %% jupyter={"source_hidden": true} tags=["parameters"]
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

# %% jupyter={"source_hidden": true}
from labutils import audit, course, evaluate, parameters, plots, training
from labutils.course import check, widgets
from labutils.data import load_dataset

parameters.check(globals())
skin = load_dataset("skin", image_size, channels, source, n_train, n_val)
print(skin.banner())

# %% [markdown]
# ## Predict
#
# Two networks are trained, one of them with 0.4 of its hidden units missing in every batch.

# %% tags=["predict", "revealed-by-curves"]
course.ask("task5a", 1)

# %% [markdown]
# ## Look
#
# *Mel* is a melanoma, *Nev* a harmless mole. Imagine having to recognise each of these pictures again in a thousand.
# What would you remember it by? Whatever is unique about a picture is the easiest thing to remember, and the least
# useful.

# %%
plots.extremes(skin, "dark area")

# %% [markdown]
# ## Build it
#
# The network of this notebook in plain Keras: five convolutions, then two dense layers of 64 units, each followed by a
# **dropout** layer. In every training step it leaves each of its units out with a probability, the *rate* (Srivastava
# et al., 2014): what one unit has learned by heart is then of no use to the next, because it may not be there.

# %%
import keras
from keras import layers


def build(side, rate):
    network = keras.Sequential([keras.Input((side, side, channels))])
    for times, halve in (1, True), (2, True), (4, False), (4, False), (2, True):
        network.add(layers.Conv2D(times * n_base, 3, padding="same", activation="relu"))
        if halve:
            network.add(layers.MaxPooling2D())
    network.add(layers.Flatten())
    for units in (64, 64):
        network.add(layers.Dense(units, activation="relu"))
        network.add(layers.Dropout(rate))
    network.add(layers.Dense(1, activation="sigmoid"))
    return network


# %% [markdown]
# Train it on 400 small images, centred and scaled; for some epochs it may only guess. Then change the marked line:
# without dropout, which curve runs ahead of which? At 0.8, does it still learn?

# %%
small = skin.small()  # 400 images of 48 x 48 pixels
mean, spread = small.x_train.mean(), small.x_train.std()
x, y = (small.x_train - mean) / spread, small.y_train
new = (small.x_val - mean) / spread, small.y_val

# %% tags=["nbval-ignore-output"]
rate = 0.4  # <- change this: 0.0, then 0.8
keras.utils.set_random_seed(seed)
network = build(small.image_size, rate)
adam = keras.optimizers.Adam(1e-3)
network.compile(adam, "binary_crossentropy", metrics=["accuracy"])
curves = plots.live_fit(f"dropout {rate}")
history = network.fit(
    x, y, batch_size=16, epochs=20, verbose=0, validation_data=new, callbacks=[curves]
)

# %% [markdown]
# ## Play
#
# A LeNet on images of 32 pixels: at which rate?

# %%
widgets.playground("task5a")

# %% [markdown]
# ## The evidence
#
# The lab trained it on a thousand images for fifty epochs, with and without dropout, from several seeds: other weights
# at the start, another order.

# %%
settings = {"epochs": n_epoch, "batch_size": batch_s, "n_base": n_base, "seed": seed}
base = skin.run(model="alexnet", learning_rate=lr, **settings)
configs = {"no dropout": base, f"dropout {dropout:g}": base.with_(dropout=dropout)}
training.same_network(build(image_size, dropout), configs[f"dropout {dropout:g}"])

# %% [markdown]
# First photographs of real lesions (HAM10000), where there is something to see. The second question is about the
# phantoms below them.

# %%
plots.real_curves("task5a")

# %% tags=["predict", "revealed-by-curves"]
course.ask("task5a", 2)

# %% tags=["nbval-ignore-output"]
live = plots.live_curves(configs)
runs = training.train_all(
    configs, skin, reuse=reuse, train_missing=train_missing, on_epoch=live
)

# %% tags=["curves"]
course.remind("task5a", 2)
plots.learning_curves(runs, said=course.said("task5a", 1))

# %% [markdown]
# Where do the dashed and the solid line part? Watch the loss: where a network over-fits, it turns upwards while the
# accuracy may still look calm, because the loss also counts how sure the network is of its errors.
#
# How much of a *gap*, training minus validation accuracy, is the measurement? Training with dropout is measured while
# units are missing. The Details below have it beside the same network with all units.
#
# The best epoch of each run is judged on an exam: images on which no network and no epoch was chosen.

# %%
gaps = {"Gaps, measured in two ways": evaluate.gap_table(runs, both_ways=True)}
evaluate.card(runs, skin, task="task5a", more=gaps, said=course.said("task5a", 2))
audit.tell_simple(runs, skin, task="task5a")
widgets.beside_the_lab(runs, "task5a")

# %% [markdown]
# ## Explore
#
# Dropout can also be left on when predicting: a hundred passes give a hundred answers for one image, and their spread
# says how sure the network is (Gal and Ghahramani 2016).

# %%
widgets.monte_carlo_dropout(runs.get(f"dropout {dropout:g}"), skin)

# %% [markdown]
# ## Write
#
# What does a dropout layer do, in training and afterwards? Write its forward pass.

# %% tags=["exercise"]
import numpy as np


def dropout_forward(x, rate, draws, training):
    """The output of a dropout layer for the units x (batch, units).

    In training a unit is left out where its draw, a number from 0 to 1, is below the
    rate, and what stays is made larger so that the mean stays the same. Otherwise x
    comes back as it is.
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
# *Your answer (double-click to write):*

# %% [markdown] tags=["reference"]
# When you have written yours, open ours.
#
# <details><summary><b>Reference answer</b></summary>
#
# Over-fitting has two signs: a training curve that leaves the validation curve behind, and a validation loss that turns
# and climbs. A run may show the first without the second: the sentences above say which of them these settings show, on
# the images that were looked at and on the exam. Dropout holds the training curve back, partly because that is measured
# with units missing, and can close a gap only where one has opened. The best validation accuracy is taken before the
# gap opens, and so may hardly differ: from it alone one would conclude that dropout does nothing.
#
# </details>

# %% [markdown]
# ## Summary
#
# - Over-fitting is a gap, or a loss that climbs again: a run may show one without the other.
# - Dropout holds the training curve back; how wide a gap is depends on how training accuracy is measured.
# - The best epoch hides what happens after it.
#
# Next: [Task 5B](task5b.ipynb) adds batch normalization.

# %% [markdown] jp-MarkdownHeadingCollapsed=true
# ## Going further
#
# Optional: the calibration of both networks, epoch by epoch.

# %% [markdown]
# Over-fitting is over-confidence. *Calibrated* means right in eight of ten images that get 0.8. Move through the epochs
# and watch where that goes.

# %%
widgets.epoch_scrubber(runs, skin)
