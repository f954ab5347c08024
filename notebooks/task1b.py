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
# # Task 1B: Learning rates
#
# **Three times the same network, the same images, the same order. Only the size of its steps differs, and one of the
# three learns next to nothing. Which, and could you have known?**
#
# At the end you will be able to
#
# - read an image file into a batch, and train a VGG16 on it in plain Keras
# - tell a learning rate that is too high, or too low, from its curves
# - say how much of a difference between two accuracies could be chance

# %% [markdown]
# ## Parameters
#
# The settings of the lab report, folded. To run with another: `papermill task1b.ipynb out.ipynb -p lr 1e-5`.

# %% jupyter={"source_hidden": true} tags=["parameters"]
lr: list = [1e-4, 1e-5, 1e-6]  # learning rate: one number above 0 and at most 1, or a list of them
n_epoch: int = 100  # epochs (passes over the training images), a whole number from 1
batch_s: int = 8  # images per training step, a whole number from 1
n_base: int = 8  # filters of the first block, from 1; the later blocks have up to eight times as many
dropout: float = 0.0  # share of the dense layers' units left out in a step, at least 0 and below 1
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
from labutils.config import as_list, scientific
from labutils.course import check, widgets
from labutils.data import load_dataset

parameters.check(globals())
skin = load_dataset("skin", image_size, channels, source, n_train, n_val)
print(skin.banner())

# %% [markdown]
# Unless you put the lab's own images into `data/`, these are *phantoms*, lesions drawn by a program: no result on them
# says anything about patients. *Mel* is a melanoma, *Nev* a harmless mole. Always answering with the larger class
# reaches its share.

# %% [markdown]
# ## Predict
#
# Nothing is graded.

# %% tags=["predict", "revealed-by-curves"]
course.ask("task1b", 1)

# %% [markdown]
# ## Look
#
# Asymmetry, border, colour, diameter: judge twenty images yourself (keys *1* and *2*, or the buttons), and see how you
# do beside the network.

# %% jupyter={"source_hidden": true}
rival = training.find(
    skin.run(
        model="vgg16", learning_rate=1e-5, epochs=n_epoch, n_base=n_base, seed=seed
    ),
    skin,
    at_least=1,
)
widgets.against_network(rival, skin)

# %% [markdown]
# ## Build it
#
# What a network sees of a photograph: one file, read, made grey, scaled, and put into a *batch* of one.

# %%
import numpy as np
from PIL import Image

file = skin.root / skin.files_train[0]
with Image.open(file) as picture:
    grey = picture.convert("L").resize((48, 48), Image.Resampling.BOX)
image = np.asarray(grey, dtype=np.float32) / 255  # from 0 to 1
batch = image[None, :, :, None]  # images, height, width, channels
print(f"{file.name}: {picture.size} pixels become a batch of {batch.shape}")

# %% [markdown]
# VGG16 is a pile of convolutions with 3x3 windows; after some of them the image is halved.

# %%
import keras
from keras import layers

FIVE = ((1, 2), (2, 2), (4, 3), (8, 3), (8, 3))  # filters, and how many convolutions


def build(side, blocks):
    network = keras.Sequential([keras.Input((side, side, channels))])
    for times, convolutions in blocks:
        for _ in range(convolutions):
            conv = layers.Conv2D(times * n_base, 3, padding="same", activation="relu")
            network.add(conv)
        network.add(layers.MaxPooling2D())
    network.add(layers.Flatten())
    for units in (64, 64):
        network.add(layers.Dense(units, activation="relu"))
    network.add(layers.Dense(1, activation="sigmoid"))
    return network


# %% [markdown]
# Train two of its blocks on 400 small images, centred and scaled so that they start within seconds. Then change the
# marked line: at 1e-5, does it arrive? At 3e-2, does it learn at all?

# %%
small = skin.small()  # 400 images of 48 x 48 pixels
mean, spread = small.x_train.mean(), small.x_train.std()
x, y = (small.x_train - mean) / spread, small.y_train
new = (small.x_val - mean) / spread, small.y_val

# %% tags=["nbval-ignore-output"]
rate = 1e-3  # <- change this: 1e-5, then 3e-2
keras.utils.set_random_seed(seed)
network = build(small.image_size, FIVE[:2])
adam = keras.optimizers.Adam(rate)
network.compile(adam, "binary_crossentropy", metrics=["accuracy"])
curves = plots.live_fit(f"lr {rate:g}")
history = network.fit(
    x, y, batch_size=16, epochs=16, verbose=0, validation_data=new, callbacks=[curves]
)

# %% [markdown]
# ## Play
#
# Adam, the optimizer, adapts the step for every weight; the learning rate is the scale of all of them. Find one that
# stalls, one that learns, one that over-fits, and one that never recovers.

# %%
widgets.playground("task1b")

# %% [markdown]
# ## The evidence
#
# The lab trained all five blocks on a thousand images. `skin.run` writes down everything that determines such a run.

# %%
settings = {"epochs": n_epoch, "batch_size": batch_s, "n_base": n_base, "seed": seed}
configs = {
    f"lr {scientific(rate)}": skin.run(
        model="vgg16", learning_rate=rate, dropout=dropout, **settings
    )
    for rate in as_list(lr)
}

# %%
plain = skin.run(model="vgg16", learning_rate=1e-4, epochs=n_epoch, n_base=n_base)
training.same_network(build(image_size, FIVE), plain)

# %% tags=["nbval-ignore-output"]
live = plots.live_curves(configs)
runs = training.train_all(
    configs, skin, reuse=reuse, train_missing=train_missing, on_epoch=live
)

# %% tags=["curves"]
plots.learning_curves(runs, said=course.said("task1b", 1))

# %% [markdown]
# Does the training loss fall? Does the validation loss follow, or turn upwards while training goes on? From there on
# the network learns its training images by heart: it *over-fits*.

# %% [markdown]
# How sure is an accuracy on 200 images? Draw 200 others, again and again, and watch the dots pile up: about 95 of 100
# of them lie in the *interval* that stands behind every accuracy from here on.

# %%
widgets.interval_slider()

# %% [markdown]
# Now the **exam**: images on which no network and no epoch was chosen. Which is better there, VGG16, or forty simple
# numbers of each image, its brightness and its texture?

# %% tags=["predict", "revealed-by-card"]
course.ask("task1b", 2)

# %% tags=["card"]
evaluate.card(runs, skin, task="task1b", said=course.said("task1b", 2))
audit.tell_simple(runs, skin, task="task1b")
widgets.beside_the_lab(runs, "task1b")

# %% [markdown]
# ## Explore
#
# The range test finds a rate without three long runs: it raises it step by step in one short training (Smith 2017).

# %%
widgets.lr_range_test()


# %% [markdown]
# ## Write
#
# From which epoch on does a run over-fit? Write a function that reads it from the validation losses.

# %% tags=["exercise"]
def overfitting_epoch(val_loss, climb=0.02):
    """The epoch, counted from 1, from which on the validation loss stays above its minimum
    + climb to the end.

    None if the last epoch is not above it.
    """
    ### BEGIN SOLUTION
    limit = min(val_loss) + climb
    within = [epoch for epoch, loss in enumerate(val_loss, start=1) if loss <= limit]
    return None if within[-1] == len(val_loss) else within[-1] + 1
    ### END SOLUTION


# %% tags=["check"]
check.exercise(overfitting_epoch)

# %% [markdown]
# ## Answer
#
# **Question.** Which of the three learning rates would you choose, and what in the curves rules out the other two?
# Would you trust your choice if the three accuracies were all you knew?

# %% [markdown] tags=["answer"]
# *Your answer (double-click to write):*

# %% [markdown] tags=["reference"]
# When you have written yours, open ours.
#
# <details><summary><b>Reference answer</b></summary>
#
# A rate that is much too high shows as a loss that jumps about, or never comes down; one that is too low as curves that
# still fall when the epochs are over. Over-fitting is neither: a faster run may only have too many epochs. So the
# choice is a rate *and* a number of epochs, and the place to stop is the lowest validation loss. Which rate is better
# when each is stopped there, the card says, or that it cannot be told. The best accuracies hide what comes after them.
#
# </details>

# %% [markdown]
# ## Summary
#
# - An image is a batch of numbers; a network is a list of layers.
# - Too high a rate does not come down, too low a rate does not arrive.
# - A few points on a few hundred images are within chance.
#
# Next: [Task 1C](task1c.ipynb) keeps the rate and changes the network.

# %% [markdown] jp-MarkdownHeadingCollapsed=true
# ## Going further
#
# Optional: photographs of real lesions, and every epoch.

# %%
plots.real_curves("task1b")

# %% [markdown]
# Move through the epochs: which images change their class? The *ROC curve* shows what is
# found at how many false alarms; *calibrated* means right in eight of ten images that get 0.8.

# %%
widgets.epoch_scrubber(runs, skin)
