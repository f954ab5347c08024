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
# # Task 5C: Batch normalization at a small learning rate
#
# **Make every step ten times smaller, and a network may need all day to get going. Can one layer make up for that, and
# is what it wins the accuracy or the loss?**
#
# At the end you will be able to
#
# - train a network with small steps, with normalization and without
# - tell a higher accuracy from a lower loss: two claims, not one
# - say whom a comparison at a fixed epoch favours

# %% [markdown]
# ## Parameters
#
# The settings of the lab report, folded. To run with another: `papermill task5c.ipynb out.ipynb -p lr 1e-6`.

# %% jupyter={"source_hidden": true} tags=["parameters"]
lr: float = 1e-5  # learning rate, above 0 and at most 1
n_epoch: int = 80  # epochs (passes over the training images), a whole number from 1
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
# The rate of [Task 5B](task5b.ipynb) divided by ten, dropout 0.4 in both runs, normalization in one.

# %% tags=["predict", "revealed-by-curves"]
course.ask("task5c", 1)

# %% [markdown]
# ## Look
#
# *Mel* is a melanoma, *Nev* a harmless mole. Validation images on which a stored network is least sure of itself. Which
# would you not dare to label? Being unsure where it is right to be unsure is what a low loss rewards, and an accuracy
# does not see.

# %%
unsure = training.find(
    skin.run(model="vgg16", learning_rate=lr, epochs=100, n_base=n_base, seed=seed),
    skin,
    at_least=1,
)
plots.hardest(skin, unsure)

# %% [markdown]
# ## Build it
#
# The convolutions of Task 5B and the dropout of Task 5A. With the usual initial weights a signal gets fainter from ReLU
# to ReLU, and small steps take long to make it stronger. Normalization brings it back to spread 1 after every
# convolution, from the first step on.

# %%
import keras
from keras import layers


def build(side, normalize):
    network = keras.Sequential([keras.Input((side, side, channels))])
    for times, halve in (1, True), (2, True), (4, False), (4, False), (2, True):
        network.add(layers.Conv2D(times * n_base, 3, padding="same"))
        if normalize:
            network.add(layers.BatchNormalization())
        network.add(layers.ReLU())
        if halve:
            network.add(layers.MaxPooling2D())
    network.add(layers.Flatten())
    for units in (64, 64):
        network.add(layers.Dense(units, activation="relu"))
        network.add(layers.Dropout(dropout))
    network.add(layers.Dense(1, activation="sigmoid"))
    return network


# %% [markdown]
# Train it on 400 small images, centred and scaled, with a tenth of Adam's usual rate of 0.001. Then change the marked
# line: how far does the network come without normalization? And without it, at the usual rate?

# %%
small = skin.small()  # 400 images of 48 x 48 pixels
mean, spread = small.x_train.mean(), small.x_train.std()
x, y = (small.x_train - mean) / spread, small.y_train
new = (small.x_val - mean) / spread, small.y_val

# %% tags=["nbval-ignore-output"]
normalize, rate = True, 1e-4  # <- change this: False, 1e-4, then False, 1e-3

keras.utils.set_random_seed(seed)
network, adam = build(small.image_size, normalize), keras.optimizers.Adam(rate)
network.compile(adam, "binary_crossentropy", metrics=["accuracy"])
curves = plots.live_fit(f"batch norm {normalize}, rate {rate:g}")
history = network.fit(
    x, y, batch_size=16, epochs=20, verbose=0, validation_data=new, callbacks=[curves]
)

# %% [markdown]
# A loss that lies near 0.69, which is guessing between two classes, and is still falling at the end has not shown what
# the network can do, only that it was not given the time.

# %% [markdown]
# ## Play
#
# Find a rate at which the plain network hardly starts, and switch batch normalization on.

# %%
widgets.playground("task5c")

# %% [markdown]
# ## The evidence
#
# One switch, on a thousand images, from several seeds: other weights at the start, another order of the images.

# %%
settings = {"epochs": n_epoch, "batch_size": batch_s, "n_base": n_base, "seed": seed}
base = skin.run(model="alexnet", learning_rate=lr, dropout=dropout, **settings)
configs = {"no batch norm": base, "batch norm": base.with_(batch_norm=True)}
training.same_network(build(image_size, True), configs["batch norm"])

# %% tags=["nbval-ignore-output"]
live = plots.live_curves(configs)
runs = training.train_all(
    configs, skin, reuse=reuse, train_missing=train_missing, on_epoch=live
)

# %% tags=["curves"]
plots.learning_curves(runs, said=course.said("task5c", 1))

# %% [markdown]
# Is the loss of the run without normalization still falling after its last epoch? Then this comparison favours the
# faster one, and [Task 5D](task5d.ipynb) gives both more time. Who is ahead by the loss, and until when?

# %%
plots.compare_curves(runs, "val_loss", said=course.said("task5c", 1))

# %% [markdown]
# Now the accuracy. An image contributes only a yes or a no to it, while to the loss it contributes a number: how much
# of the class that it has was predicted.

# %% tags=["predict", "revealed-by-card"]
course.ask("task5c", 2)

# %% [markdown]
# The best epoch of each run, judged on an exam: images on which no network and no epoch was chosen.

# %% tags=["card"]
more = {"Gaps": evaluate.gap_table(runs), "Quality": evaluate.quality_table(runs)}
evaluate.card(runs, skin, task="task5c", more=more, said=course.said("task5c", 2))
audit.tell_simple(runs, skin, task="task5c")
widgets.beside_the_lab(runs, "task5c")

# %% [markdown]
# ## Explore
#
# Move through the epochs: when does each network begin to tell the classes apart?

# %%
widgets.explore_epochs(plots.confusion_matrix, runs)

# %% [markdown]
# ## Write
#
# After training, batch normalization is one multiplication and one addition per channel. Write the function that gives
# both numbers.

# %% tags=["exercise"]
import numpy as np


def fold_batch_norm(gamma, beta, mean, variance, epsilon=1e-3):
    """Batch normalization at inference as one multiplication and one addition: (scale,
    shift) of every channel.

    scale * x + shift must equal gamma * (x - mean) / sqrt(variance + epsilon) + beta.
    """
    ### BEGIN SOLUTION
    scale = gamma / np.sqrt(variance + epsilon)
    return scale, beta - scale * mean
    ### END SOLUTION


# %% tags=["check"]
check.exercise(fold_batch_norm)

# %% [markdown]
# ## Answer
#
# **Question.** At this rate, does batch normalization give the better network? Answer separately for accuracy and for
# loss, and say how sure you are of each.

# %% [markdown] tags=["answer"]
# *Your answer (double-click to write):*

# %% [markdown] tags=["reference"]
# When you have written yours, open ours.
#
# <details><summary><b>Reference answer</b></summary>
#
# At a small rate a network may need most of its epochs to get going. Whether the normalized one starts faster is one
# question, whether it stays ahead another: both are read from the loss curves. The loss can tell two networks apart
# that the accuracy cannot, because every image contributes a number to it, not only a yes or no. That is why the two
# halves of the claim are judged apart, and may come out differently.
#
# </details>

# %% [markdown]
# ## Summary
#
# - With small steps, normalization changes how soon a network gets going; how far it gets is another question.
# - Higher accuracy and lower loss are two claims.
# - A comparison at a fixed epoch favours whoever is faster.
#
# Next: [Task 5D](task5d.ipynb) gives both networks nearly twice the time.
