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
# # Task 1D: More filters, and dropout
#
# **Twice the filters make a network with nearly four times the numbers to learn. Does it see more, or does it only
# remember more?**
#
# At the end you will be able to
#
# - build a network of any width, with dropout, and train it
# - say how parameters grow with width
# - say what it takes to show that one network is *no better* than another

# %% [markdown]
# ## Parameters
#
# The settings of the lab report, folded. To run with another: `papermill task1d.ipynb out.ipynb -p n_base 32`.

# %% jupyter={"source_hidden": true} tags=["parameters"]
lr: float = 1e-5  # learning rate, above 0 and at most 1
n_epoch: int = 100  # epochs (passes over the training images), a whole number from 1
batch_s: int = 8  # images per training step, a whole number from 1
n_base: int = 16  # filters of the first block of the wider network; it is compared with 8
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
skin = load_dataset("skin", image_size, channels, source, n_train, n_val)
print(skin.banner())

# %% [markdown]
# ## Predict
#
# Twice the filters, then **dropout** on top: in every training step a random share of the dense layers' units is left
# out, so that none can rely on another one being there (Srivastava et al., 2014).

# %% tags=["predict", "revealed-by-sizes"]
course.ask("task1d", 1)

# %% [markdown]
# ## Look
#
# A thousand training images are few: a network with a few hundred thousand parameters has hundreds for each of them.
# *Mel* is a melanoma, *Nev* a harmless mole. Here are the pictures with the least and the most contrast. Which
# accidental properties (a hair, a shadow) could be learned by heart instead of the lesion?

# %%
plots.extremes(skin, "contrast")

# %% [markdown]
# ## Build it
#
# The width stands in one place, the filters of the first block: all other blocks are multiples of it.

# %%
import keras
from keras import layers

FIVE = ((1, 2), (2, 2), (4, 3), (8, 3), (8, 3))  # multiple, convolutions


def build(side, filters, rate, blocks=FIVE):
    network = keras.Sequential([keras.Input((side, side, channels))])
    for times, convolutions in blocks:
        for _ in range(convolutions):
            conv = layers.Conv2D(times * filters, 3, padding="same", activation="relu")
            network.add(conv)
        network.add(layers.MaxPooling2D())
    network.add(layers.Flatten())
    for units in (64, 64):
        network.add(layers.Dense(units, activation="relu"))
        if rate:
            network.add(layers.Dropout(rate))
    network.add(layers.Dense(1, activation="sigmoid"))
    return network


# %% tags=["sizes"]
course.remind("task1d", 1)
for filters in (8, 16):
    print(f"{filters} filters: {build(128, filters, 0).count_params():,} parameters")

# %% [markdown]
# Both the inputs and the outputs of a convolution double, so its weights are multiplied by four. Train two blocks on
# 400 small images. Then change the marked line: with 2 filters, is there a gap between the curves? With 32?

# %%
small = skin.small()  # 400 images of 48 x 48 pixels
mean, spread = small.x_train.mean(), small.x_train.std()
x, y = (small.x_train - mean) / spread, small.y_train
new = (small.x_val - mean) / spread, small.y_val

# %% tags=["nbval-ignore-output"]
filters = 8  # <- change this: 2, then 32

keras.utils.set_random_seed(seed)
network = build(small.image_size, filters, 0.2, FIVE[:2])
adam = keras.optimizers.Adam(1e-3)
network.compile(adam, "binary_crossentropy", metrics=["accuracy"])
curves = plots.live_fit(f"{filters} filters")
history = network.fit(
    x, y, batch_size=16, epochs=16, verbose=0, validation_data=new, callbacks=[curves]
)

# %% [markdown]
# ## Play
#
# Width and dropout together: when does the training curve leave the validation curve behind, and what brings them
# together again?

# %%
widgets.playground("task1d")

# %% [markdown]
# ## The evidence
#
# The lab trained all five blocks with 8 and with 16 filters, and the wider network with dropout too.

# %%
settings = {"epochs": n_epoch, "batch_size": batch_s, "n_base": n_base, "seed": seed}
wide = skin.run(model="vgg16", learning_rate=lr, **settings)
configs = {
    "b8": wide.with_(n_base=8),
    f"b{n_base}": wide,
    f"b{n_base}, dropout {dropout:g}": wide.with_(dropout=dropout),
}
training.same_network(build(image_size, n_base, dropout), list(configs.values())[-1])

# %% tags=["predict", "revealed-by-curves"]
course.ask("task1d", 2)

# %% tags=["nbval-ignore-output"]
live = plots.live_curves(configs)
runs = training.train_all(
    configs, skin, reuse=reuse, train_missing=train_missing, on_epoch=live
)

# %% tags=["curves"]
plots.learning_curves(runs, said=course.said("task1d", 2))

# %% [markdown]
# With dropout the training accuracy is measured while units are missing, and while the epoch goes on; the validation
# accuracy after it, with all of them. If the dashed line runs below the solid one, that is why.

# %% [markdown]
# *No better* is harder to show than *better*: it is not enough that no difference was found. The interval must exclude
# every difference that would matter.

# %%
more = {
    "Gaps": evaluate.gap_table(runs),
    "Sizes": evaluate.network_table(configs, skin.n_classes),
}
evaluate.card(runs, skin, task="task1d", more=more)
audit.tell_simple(runs, skin, task="task1d")
widgets.beside_the_lab(runs, "task1d")

# %% [markdown]
# ## Explore
#
# A reliability curve compares what a network says with what happens: of the images to which it gives a probability of
# 0.8, are about eight in ten of that class? Move through the epochs and watch the confidence grow.

# %%
widgets.explore_epochs(plots.reliability, runs)

# %% [markdown]
# ## Write
#
# Your turn to build: LeNet with its filters and its dropout as settings. The check goes through the layers, says which
# is another one, and trains what you built on small images of its own; that takes some seconds.

# %% tags=["exercise"]
import keras
from keras import layers


def build_lenet(side, n_base, rate):
    """LeNet for grey images of side x side pixels, as a Keras network with an Input, not
    compiled.

    Two 3x3 convolutions with same padding, of n_base and 2 * n_base filters, each with
    ReLU and then 2x2 max-pooling; a dense layer of 64 units with ReLU and dropout of
    that rate behind it; one output, the probability of label 1.
    """
    ### BEGIN SOLUTION
    network = keras.Sequential([keras.Input((side, side, 1))])
    for filters in n_base, 2 * n_base:
        network.add(layers.Conv2D(filters, 3, padding="same", activation="relu"))
        network.add(layers.MaxPooling2D())
    network.add(layers.Flatten())
    network.add(layers.Dense(64, activation="relu"))
    network.add(layers.Dropout(rate))
    network.add(layers.Dense(1, activation="sigmoid"))
    return network
    ### END SOLUTION


# %% tags=["check"]
check.exercise(build_lenet)

# %% [markdown]
# ## Answer
#
# **Question.** Does it pay to double the width here? What does dropout change, in the curves and in the best accuracy,
# and why is a small improvement on a few hundred images hard to believe?

# %% [markdown] tags=["answer"]
# *Your answer (double-click to write):*

# %% [markdown] tags=["reference"]
# When you have written yours, open ours.
#
# <details><summary><b>Reference answer</b></summary>
#
# A wider network has room for more patterns, but also for learning a small training set by heart: width pays when there
# are enough images to fill it. Dropout makes learning by heart harder: the training curve rises more slowly. Whether
# the gap to validation gets smaller is a matter of numbers, and here of the rate and the number of epochs: a run that
# has not begun to over-fit has no gap to close. What is gained in the best accuracy is at most a few images, and a
# paired test on so few cannot tell a small gain from luck.
#
# </details>

# %% [markdown]
# ## Summary
#
# - Twice the width is four times the weights of a convolution, and nearly that for the whole network.
# - Dropout can only close a gap that is there.
# - "No better" needs an interval, not just a missing difference.
#
# Next: [Task 1E](task1e.ipynb) sets all three networks side by side.

# %% [markdown] jp-MarkdownHeadingCollapsed=true
# ## Going further
#
# Optional: the same settings on photographs of real lesions.

# %% [markdown]
# The report quotes two accuracies for b8: .8500 in Tasks 1B and 3, .8450 in Tasks 1C and 1D. Here both are one run. On
# photographs of real lesions:

# %%
plots.real_curves("task1d")
