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
# # Task 6B: Spatial dropout for longer
#
# **A hundred epochs more for a network that is held back in every step. Does it catch up, and how would you know?**
#
# At the end you will be able to
#
# - write networks that drop whole maps or single values, and compare them
# - say what "catches up" has to mean to be checked
# - weigh a means against over-fitting by its price

# %% [markdown]
# ## Parameters
#
# The settings of the lab report, folded. To run with another: `papermill task6b.ipynb out.ipynb -p spatial_dropout 0.2`.

# %% jupyter={"source_hidden": true} tags=["parameters"]
lr: float = 1e-5  # learning rate, above 0 and at most 1
n_epoch: int = 250  # epochs (passes over the training images), a whole number from 1
batch_s: int = 8  # images per training step, a whole number from 1
n_base: int = 32  # filters of the first block, from 1; later blocks have a multiple of it
dropout: float = 0.4  # share of the dense layers' units left out in a step, at least 0 and below 1
spatial_dropout: float = 0.1  # share of the feature maps left out in a step, at least 0 and below 1
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
# The two networks of [Task 6A](task6a.ipynb) are continued, from 150 epochs to 250.

# %% tags=["predict", "revealed-by-curves"]
course.ask("task6b", 1)

# %% [markdown]
# ## Look
#
# A network sees every training image as often as there are epochs. Here are those with the least and the most dark
# area (*Mel* is a melanoma, *Nev* a harmless mole): would you still be looking at the lesion, the 250th time?

# %%
plots.extremes(skin, "dark area")

# %% [markdown]
# ## Build it
#
# A layer can be passed to a function like any other value. Here it is the one that leaves something out after every
# ReLU: whole maps with `SpatialDropout2D`, or the same share of single values with `Dropout`.

# %%
import keras
from keras import layers


def build(side, filters, drop, rate):
    network = keras.Sequential([keras.Input((side, side, channels))])
    for times, halve in (1, True), (2, True), (4, False), (4, False), (2, True):
        conv = layers.Conv2D(times * filters, 3, padding="same", activation="relu")
        network.add(conv)
        network.add(drop(rate))
        if halve:
            network.add(layers.MaxPooling2D())
    network.add(layers.Flatten())
    for units in (64, 64):
        network.add(layers.Dense(units, activation="relu"))
        network.add(layers.Dropout(dropout))
    network.add(layers.Dense(1, activation="sigmoid"))
    return network


# %% [markdown]
# Train it with eight filters on 400 small images, centred and scaled. Then change the marked line: is the same share
# easier to bear when it is single values? And half of them?

# %%
small = skin.small()  # 400 images of 48 x 48 pixels
mean, spread = small.x_train.mean(), small.x_train.std()
x, y = (small.x_train - mean) / spread, small.y_train
new = (small.x_val - mean) / spread, small.y_val

# %% tags=["nbval-ignore-output"]
drop, rate = layers.SpatialDropout2D, 0.2  # <- change this: layers.Dropout, then 0.5

keras.utils.set_random_seed(seed)
network, adam = build(small.image_size, 8, drop, rate), keras.optimizers.Adam(1e-3)
network.compile(adam, "binary_crossentropy", metrics=["accuracy"])
curves = plots.live_fit(f"{drop.__name__} {rate}")
history = network.fit(
    x, y, batch_size=16, epochs=24, verbose=0, validation_data=new, callbacks=[curves]
)

# %% [markdown]
# The next convolution sums over nine neighbours: what one of them does not say, another one does. A map that is missing
# as a whole has no neighbour to stand in for it.

# %% [markdown]
# ## Play
#
# Spatial dropout, dropout in the dense layers, both, and neither: which narrows the gap for less?

# %%
widgets.playground("task6b")

# %% [markdown]
# ## The evidence
#
# The switch of Task 6A, on a thousand images, for longer.

# %%
settings = {"epochs": n_epoch, "batch_size": batch_s, "n_base": n_base, "seed": seed}
base = skin.run(model="alexnet", learning_rate=lr, dropout=dropout, **settings)
with_spatial = base.with_(spatial_dropout=spatial_dropout)
configs = {
    "no spatial dropout": base,
    f"spatial dropout {spatial_dropout:g}": with_spatial,
}

# %%
built = build(image_size, n_base, layers.SpatialDropout2D, spatial_dropout)
training.same_network(built, with_spatial)

# %% tags=["predict", "revealed-by-curves"]
course.ask("task6b", 2)

# %% tags=["nbval-ignore-output"]
live = plots.live_curves(configs)
runs = training.train_all(
    configs, skin, reuse=reuse, train_missing=train_missing, on_epoch=live
)

# %% tags=["curves"]
plots.learning_curves(runs, said=course.said("task6b", 1))

# %% [markdown]
# Look at the last hundred epochs only. Which curves still move, and in which direction?

# %%
plots.compare_curves(runs, said=course.said("task6b", 2))

# %% [markdown]
# To *catch up* is to be no worse. A test that finds no difference is not enough for that: with few images it finds
# none, whatever there is. The interval of the difference must exclude a loss that would matter. The best epoch of each
# run is judged on an exam: images on which no network and no epoch was chosen.

# %%
more = {"Gaps": evaluate.gap_table(runs), "Quality": evaluate.quality_table(runs)}
evaluate.card(runs, skin, task="task6b", more=more, said=course.said("task6b", 1))
audit.tell_simple(runs, skin, task="task6b")
widgets.beside_the_lab(runs, "task6b")

# %% [markdown]
# ## Explore
#
# Choose a run and move through its epochs. Where the dots rise less steeply than the diagonal, the network promises
# more than it keeps: does a smaller gap go with an honest promise?

# %%
widgets.explore_epochs(plots.reliability, runs)

# %% [markdown]
# ## Write
#
# Maps may be dropped before the ReLU or after it. Write both orders, and compare what they give.

# %% tags=["exercise"]
import numpy as np


def both_orders(x, mask):
    """The values x (batch, channels), times a dropout mask, before the ReLU and after it.

    The mask holds 0 where something is left out and 1 / (1 - rate) elsewhere. First
    value: mask, then ReLU; second: ReLU, then mask.
    """
    ### BEGIN SOLUTION
    before = np.maximum(x * mask, 0)
    after = np.maximum(x, 0) * mask
    return before, after
    ### END SOLUTION


# %% tags=["check"]
check.exercise(both_orders)

# %% [markdown]
# ## Answer
#
# **Question.** Does spatial dropout catch up, and is its gap smaller? Would you spend the additional epochs? And what
# does dropout in general buy, in Tasks 1D, 2, 5A and here?

# %% [markdown] tags=["answer"]
# *Your answer (double-click to write):*

# %% [markdown] tags=["reference"]
# When you have written yours, open ours.
#
# <details><summary><b>Reference answer</b></summary>
#
# Given enough epochs the damaged steps may add up to the same place; whether they do, the card says, and where it
# cannot tell, that is the answer. Whether a smaller gap is worth the epochs depends on what else would close it for
# less: stopping early costs nothing. On dropout in general, set the cards of the four notebooks side by side: in each,
# whether the gap gets narrower and whether the network gets better are two questions, and the answer of one seed need
# not be that of all.
#
# </details>

# %% [markdown]
# ## Summary
#
# - Single values have neighbours that stand in for them, whole maps have none.
# - "No worse" is a claim with a margin, not a missing difference.
# - Means against over-fitting compete, also in price: stopping early costs nothing.
#
# Next: [Task 7](task7.ipynb) makes new images out of old ones.
