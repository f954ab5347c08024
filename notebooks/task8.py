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
# # Task 8: Augmentation in training
#
# **A thousand lesions, and never the same picture twice. Does the network learn more from them, or is training only
# harder?**
#
# At the end you will be able to
#
# - write a generator that changes every picture anew, and train with it
# - tell a harder training from a better network
# - say what augmentation costs

# %% [markdown]
# ## Parameters
#
# The settings of the lab report, folded. To run with another: `papermill task8.ipynb out.ipynb -p rotation 20`.

# %% jupyter={"source_hidden": true} tags=["parameters"]
lr: float = 1e-5  # learning rate, above 0 and at most 1
n_epoch: int = 80  # epochs (passes over the training images), a whole number from 1
batch_s: int = 8  # images per training step, a whole number from 1
n_base: int = 64  # filters of the first block, from 1; later blocks have a multiple of it
dropout: float = 0.4  # share of the dense layers' units left out in a step, at least 0 and below 1
rotation: float = 10  # augmentation: turn by up to this many degrees, 0 to 180
shift: float = 0.1  # augmentation: move by up to this fraction of the side, at least 0 and below 1
horizontal_flip: bool = True  # augmentation: exchange left and right in every second image
seed: int = 0  # decides initial weights and the order of the images, a whole number from 0
image_size: int = 128  # side of the images in pixels, 32 to 1024
channels: int = 1  # 1 reads the images as grey, 3 in colour
n_train: int = None  # training images, a whole number from 2; None takes all
n_val: int = None  # validation images, a whole number from 2; None takes all
source: str = "auto"  # images: course, public, phantom, or auto for the first of them that is there
reuse: bool = True  # False trains anew even what is stored
train_missing: bool = False  # True trains runs of the lab that are not stored yet

# %% jupyter={"source_hidden": true}
import numpy as np

from labutils import audit, augment, course, evaluate, parameters, plots, training
from labutils.config import Augmentation
from labutils.course import check, widgets
from labutils.data import load_dataset

parameters.check(globals())
skin = load_dataset("skin", image_size, channels, source, n_train, n_val)
print(skin.banner())

# %% [markdown]
# ## Predict
#
# The same thousand images, turned, shifted and mirrored a little, another way in every epoch.

# %% tags=["predict", "revealed-by-curves"]
course.ask("task8", 1)

# %% [markdown]
# ## Look
#
# *Mel* is a melanoma, *Nev* a harmless mole. Six training images: above as they are, below as one epoch makes them. If
# you can tell that an image was changed, so can the network: repeated edges are a trace that real images do not have.

# %% jupyter={"source_hidden": true}
changes = Augmentation(rotation=rotation, shift=shift, horizontal_flip=horizontal_flip)
chosen = [i for label in (0, 1) for i in np.flatnonzero(skin.y_train == label)[:3]]
changed = augment.augment_batch(
    skin.x_train[chosen], changes, [[seed, i] for i in range(len(chosen))]
)
names = [skin.class_names[label] for label in skin.y_train[chosen]]
titles = [*names, *(f"{name}, changed" for name in names)]
plots.images_row([*skin.x_train[chosen], *changed], titles, f"Skin ({skin.source})")


# %% [markdown]
# ## Build it
#
# First the changes: a lesion has no left and no up, so it may be mirrored and turned by quarters. Then a **generator**:
# a function that goes on giving (`yield`), one batch after the other, for as long as `fit` asks.

# %%
def stay(image, rng):
    return image


def flip(image, rng):
    return image[:, ::-1] if rng.random() < 0.5 else image


def turn(image, rng):
    return np.rot90(flip(image, rng), rng.integers(4))


# %%
def batches(x, y, change, size=32):
    rng = np.random.default_rng(seed)
    while True:  # fit says when it has enough
        chosen = rng.integers(len(x), size=size)
        yield np.stack([change(x[i], rng) for i in chosen]), y[chosen]


# %% [markdown]
# The network is AlexNet with batch normalization, which keeps a running mean of what it sees: a short training needs a
# shorter memory than a long one.

# %%
import keras
from keras import layers


def build(side, filters, memory):
    network = keras.Sequential([keras.Input((side, side, channels))])
    for times, halve in (1, True), (2, True), (4, False), (4, False), (2, True):
        network.add(layers.Conv2D(times * filters, 3, padding="same"))
        network.add(layers.BatchNormalization(momentum=memory))
        network.add(layers.ReLU())
        if halve:
            network.add(layers.MaxPooling2D())
    network.add(layers.Flatten())
    for units in (128, 64):
        network.add(layers.Dense(units, activation="relu"))
        network.add(layers.Dropout(dropout))
    network.add(layers.Dense(1, activation="sigmoid"))
    return network


# %% [markdown]
# Train it with 8 filters on 400 small images, then change the marked line. Unchanged, how far does the training curve
# run ahead of validation? And is a mirror enough to hold it back?

# %%
small = skin.small()  # 400 images of 48 x 48 pixels
mean, spread = small.x_train.mean(), small.x_train.std()
x, y = (small.x_train - mean) / spread, small.y_train
new = (small.x_val - mean) / spread, small.y_val

# %% tags=["nbval-ignore-output"]
change = turn  # <- change this: stay, then flip
keras.utils.set_random_seed(seed)
network = build(small.image_size, 8, memory=0.9)
adam = keras.optimizers.Adam(1e-3)
network.compile(adam, "binary_crossentropy", metrics=["accuracy"])
history = network.fit(
    batches(x, y, change),
    steps_per_epoch=12,
    shuffle=False,  # they are drawn at random
    epochs=20,
    validation_data=new,
    verbose=0,
    callbacks=[plots.live_fit(change.__name__)],
)

# %% [markdown]
# ## Play
#
# A LeNet on images of 32 pixels, without code. Your own function is among the choices: write another one above, and give it here.

# %%
widgets.playground("task8", generator=turn)

# %% [markdown]
# ## The evidence
#
# The lab's network has 64 filters, a thousand images and eighty epochs: compare its parameters with the number of
# images. One switch: augmentation off and on. Validation images are never changed.

# %%
settings = {"epochs": n_epoch, "batch_size": batch_s, "n_base": n_base, "seed": seed}
settings |= {"dense": (128, 64), "dropout": dropout, "batch_norm": True}
base = skin.run(model="alexnet", learning_rate=lr, **settings)
configs = {"no augmentation": base, "augmentation": base.with_(augmentation=changes)}
training.same_network(build(image_size, n_base, memory=0.99), base)

# %% tags=["predict", "revealed-by-curves"]
course.ask("task8", 2)

# %% tags=["nbval-ignore-output"]
live = plots.live_curves(configs)
runs = training.train_all(
    configs, skin, reuse=reuse, train_missing=train_missing, on_epoch=live
)

# %% tags=["curves"]
plots.learning_curves(runs, said=course.said("task8", 1))

# %% [markdown]
# With augmentation the training accuracy is measured on changed images of the same thousand lesions: harder pictures,
# but not new patients. Is the gap between the two lines smaller, and at whose expense?

# %%
plots.compare_curves(runs, "val_loss", said=course.said("task8", 2))

# %% [markdown]
# A narrower gap is no better network yet: that is asked of images on which no network and no epoch was chosen. How much
# of the gap is the measurement, with changed images or unchanged ones, stands in the Details.

# %%
gaps = {"Gaps, measured in two ways": evaluate.gap_table(runs, both_ways=True)}
evaluate.card(runs, skin, task="task8", more=gaps)
audit.tell_simple(runs, skin, task="task8")
widgets.beside_the_lab(runs, "task8")

# %% [markdown]
# What did it cost? Rows from different machines cannot be compared.

# %% tags=["nbval-ignore-output"]
evaluate.time_table(runs)


# %% [markdown]
# ## Write
#
# A generator gives `fit` its batches, and is the place where images are augmented. This one shuffles them in every
# epoch, and no network has ever learned anything from it.

# %%
def broken_batches(x, y, size):
    while True:
        images, labels = np.random.permutation(x), np.random.permutation(y)
        for first in range(0, len(x), size):
            yield images[first : first + size], labels[first : first + size]


# %% [markdown]
# Copy it and mend it. The check looks through the batches of two epochs, and trains a network on them for some seconds.

# %% tags=["exercise"]
import numpy as np


def mend_batches(x, y, size):
    """The generator above, mended: batches of images and labels without end, the last one
    of an epoch may be smaller.

    In every epoch each image comes once, in an order that is drawn anew.
    """
    ### BEGIN SOLUTION
    while True:
        order = np.random.permutation(len(x))
        for first in range(0, len(x), size):
            chosen = order[first : first + size]
            yield x[chosen], y[chosen]
    ### END SOLUTION


# %% tags=["check"]
check.exercise(mend_batches)

# %% [markdown]
# ## Answer
#
# **Question.** Does augmentation improve validation, or does it only make training harder? How would you tell the two
# apart?

# %% [markdown] tags=["answer"]
# *Your answer (double-click to write):*

# %% [markdown] tags=["reference"]
# When you have written yours, open ours.
#
# <details><summary><b>Reference answer</b></summary>
#
# Training gets harder, so a lower training curve alone is no improvement: part of a narrower gap is that. Only images
# without a change can show a better network, the exam more surely than the validation images, on which the epoch was
# chosen. Unlike dropout, augmentation adds knowledge: it tells the network which changes do not matter.
#
# </details>

# %% [markdown]
# ## Summary
#
# - Augmentation is knowledge about what does not matter, written as a function that changes a picture.
# - A narrower gap can come from above alone; whether validation is lifted must be tested.
# - Validation images stay as they are, and what the changes cost in time is measured, not guessed.
#
# Next: [Task 9](task9.ipynb) puts everything together.

# %% [markdown] jp-MarkdownHeadingCollapsed=true
# ## Going further
#
# Optional: calibration, epoch by epoch.

# %% [markdown]
# Choose a run and move through its epochs: which one stays honest about what it does not know?

# %%
widgets.explore_epochs(plots.reliability, runs)
