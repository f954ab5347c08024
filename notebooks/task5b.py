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
# # Task 5B: Batch normalization
#
# **One more layer after every convolution, and a network may need a fraction of the epochs. Does it then also know more
# about pictures that it has not seen?**
#
# At the end you will be able to
#
# - write batch normalization into a network, and train it
# - say "faster" as a number, and at which accuracy it was taken
# - tell faster learning from better learning

# %% [markdown]
# ## Parameters
#
# The settings of the lab report, folded. To run with another: `papermill task5b.ipynb out.ipynb -p n_epoch 20`.

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
# The network of [Task 5A](task5a.ipynb), and the same with every feature map brought to mean 0 and spread 1.

# %% tags=["predict", "revealed-by-curves"]
course.ask("task5b", 1)

# %% [markdown]
# ## Look
#
# *Mel* is a melanoma, *Nev* a harmless mole. The pictures differ in brightness from one camera, and one skin, to the
# next. A layer passes such differences on to the following one, unless somebody takes them out on the way.

# %%
plots.extremes(skin, "brightness")

# %% [markdown]
# ## Build it
#
# **Batch normalization** (Ioffe and Szegedy, 2015) stands between a convolution and its ReLU. It brings every feature
# map to mean 0 and spread 1 over the images of a training step, and lets the network learn a new mean and spread. Why
# it helps is disputed: a smoother loss (Santurkar 2018), or larger usable rates (Bjorck 2018).

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
    network.add(layers.Dense(1, activation="sigmoid"))
    return network


# %% [markdown]
# Train it on 400 small images, centred and scaled. Then change the marked line: which dashed curve, that is training,
# leaves chance first? And which solid one?

# %%
small = skin.small()  # 400 images of 48 x 48 pixels
mean, spread = small.x_train.mean(), small.x_train.std()
x, y = (small.x_train - mean) / spread, small.y_train
new = (small.x_val - mean) / spread, small.y_val

# %% tags=["nbval-ignore-output"]
normalize = True  # <- change this: False, then True again

keras.utils.set_random_seed(seed)
network, adam = build(small.image_size, normalize), keras.optimizers.Adam(1e-3)
network.compile(adam, "binary_crossentropy", metrics=["accuracy"])
curves = plots.live_fit("batch norm" if normalize else "no batch norm")
history = network.fit(
    x, y, batch_size=16, epochs=20, verbose=0, validation_data=new, callbacks=[curves]
)

# %% [markdown]
# Why can a normalized network learn at once and still be at chance in validation? There it takes mean and spread not
# from the images at hand, but from running averages, which start at 0 and 1 and move a hundredth of the way with every
# step. A small fit has few steps in an epoch: the averages arrive late.

# %% [markdown]
# ## Play
#
# On and off again, at several rates: is there one at which only the normalized network learns?

# %%
widgets.playground("task5b")

# %% [markdown]
# ## The evidence
#
# The lab trained on a thousand images, from several seeds (other weights at the start, another order): with and without
# normalization, each with and without dropout.

# %%
settings = {"epochs": n_epoch, "batch_size": batch_s, "n_base": n_base, "seed": seed}
base = skin.run(model="alexnet", learning_rate=lr, **settings)
configs = {
    "no dropout": base,
    f"dropout {dropout:g}": base.with_(dropout=dropout),
    "batch norm": base.with_(batch_norm=True),
    f"batch norm, dropout {dropout:g}": base.with_(batch_norm=True, dropout=dropout),
}
training.same_network(build(image_size, True), configs["batch norm"])

# %% [markdown]
# Whoever learns fast has more epochs left. What for?

# %% tags=["predict", "revealed-by-curves"]
course.ask("task5b", 2)

# %% tags=["nbval-ignore-output"]
live = plots.live_curves(configs)
runs = training.train_all(
    configs, skin, reuse=reuse, train_missing=train_missing, on_epoch=live
)

# %% tags=["curves"]
plots.learning_curves(runs, said=course.said("task5b", 1))

# %% [markdown]
# Compare the dashed accuracy curves in the first ten epochs, then the solid ones. In batches of eight, mean and spread
# are noisy, and so are the running averages: validation curves with normalization can jump.
#
# "Faster" as a number is the first epoch at a stated training accuracy. Move that accuracy: does the answer depend on
# it?

# %%
goals = [0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 0.99]
widgets.explore_number(
    lambda goal: evaluate.reach_table(runs, goal),
    "accuracy",
    goals,
    start=0.9,
)

# %% [markdown]
# That was training. Now the exam: images that no network has seen, and on which no epoch was chosen.

# %%
gaps = {"Gaps": evaluate.gap_table(runs)}
evaluate.card(runs, skin, task="task5b", more=gaps, said=course.said("task5b", 2))
audit.tell_simple(runs, skin, task="task5b")
widgets.beside_the_lab(runs, "task5b")

# %% [markdown]
# ## Explore
#
# What a batch normalization gets and gives, by epoch. In the first, the running averages have not arrived yet.

# %%
widgets.norm_view()

# %% [markdown]
# ## Write
#
# Where does batch normalization stand? Build a network with it.

# %% tags=["exercise"]
import keras
from keras import layers


def build_normalized(side, n_base):
    """A network for grey images of side x side pixels, with an Input, not compiled.

    Twice: a 3x3 convolution with same padding, of n_base and then 2 * n_base filters,
    batch normalization, ReLU, 2x2 max-pooling. What the normalization would take away
    again, the convolution does not have. Then one output, sigmoid.
    """
    ### BEGIN SOLUTION
    network = keras.Sequential([keras.Input((side, side, 1))])
    for filters in n_base, 2 * n_base:
        network.add(layers.Conv2D(filters, 3, padding="same", use_bias=False))
        network.add(layers.BatchNormalization())
        network.add(layers.ReLU())
        network.add(layers.MaxPooling2D())
    network.add(layers.Flatten())
    network.add(layers.Dense(1, activation="sigmoid"))
    return network
    ### END SOLUTION


# %% tags=["check"]
check.exercise(build_normalized)

# %% [markdown]
# What does batch normalization compute, and which numbers does it carry along? Write its forward pass.

# %% tags=["exercise"]
import numpy as np


def batch_norm(x, mean, variance, training, momentum=0.9, epsilon=1e-3):
    """Feature maps x (batch, height, width, channels), each channel normalized, and the
    new moving averages.

    Training uses the mean and variance of this batch, and moves the averages: momentum
    * old + (1 - momentum) * new. Inference uses the moving averages, and leaves them.
    Divide by sqrt(variance + epsilon).
    """
    ### BEGIN SOLUTION
    if not training:
        return (x - mean) / np.sqrt(variance + epsilon), mean, variance
    now, spread = x.mean(axis=(0, 1, 2)), x.var(axis=(0, 1, 2))
    y = (x - now) / np.sqrt(spread + epsilon)
    mean = momentum * mean + (1 - momentum) * now
    variance = momentum * variance + (1 - momentum) * spread
    return y, mean, variance
    ### END SOLUTION


# %% tags=["check"]
check.exercise(batch_norm)

# %% [markdown]
# ## Answer
#
# **Question.** How many epochs does batch normalization save, without and with dropout? Is the faster network also the
# better one on images that it has not seen?

# %% [markdown] tags=["answer"]
# *Your answer (double-click to write):*

# %% [markdown] tags=["reference"]
# When you have written yours, open ours.
#
# <details><summary><b>Reference answer</b></summary>
#
# How many epochs are saved depends on the accuracy that is asked for: the table under the slider has them, without and
# with dropout. With normalized layers larger steps are usable. That says nothing yet about other images: speed can lead
# into over-fitting sooner, and on batches of eight the statistics are noisy. Whether the normalized network is the
# better one on unseen images is for the exam on the card, which may find that it cannot be told.
#
# </details>

# %% [markdown]
# ## Summary
#
# - Batch normalization stands between a convolution and its ReLU; in validation it uses running averages.
# - "Faster" is the epoch at which a stated accuracy is reached.
# - Learning faster includes learning by heart faster: whether it is also learning better is another question.
#
# Next: [Task 5C](task5c.ipynb) turns the learning rate down.

# %% [markdown] jp-MarkdownHeadingCollapsed=true
# ## Going further
#
# Optional: all accuracies together, real lesions, and one picture layer by layer.

# %%
plots.compare_curves(runs, "accuracy")

# %% [markdown]
# The same settings on photographs of real lesions. Where do their dashed lines end, and their solid ones?

# %%
plots.real_curves("task5b")

# %% [markdown]
# One picture, layer by layer:

# %%
widgets.feature_maps(runs.get("batch norm"), skin)
