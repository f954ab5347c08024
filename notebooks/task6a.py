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
# # Task 6A: Spatial dropout
#
# **In every step a tenth of all feature maps is missing, each time others. Does a network learn more slowly then, and
# what does it get for it?**
#
# At the end you will be able to
#
# - write spatial dropout into a network, and train it
# - say why feature maps are dropped whole
# - say "converges faster" so that a program can check it

# %% [markdown]
# ## Parameters
#
# The settings of the lab report, folded. To run with another: `papermill task6a.ipynb out.ipynb -p spatial_dropout 0.2`.

# %% jupyter={"source_hidden": true} tags=["parameters"]
lr: float = 1e-5  # learning rate, above 0 and at most 1
n_epoch: int = 150  # epochs (passes over the training images), a whole number from 1
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
# Two networks, four times as wide as those of Task 5 and without normalization. In one of them a tenth of the feature
# maps is missing in every step.

# %% tags=["predict", "revealed-by-curves"]
course.ask("task6a", 1)

# %% [markdown]
# ## Look
#
# Cover one corner of a picture with your thumb. You still know what it is, because what you covered looks like what is
# beside it. Now imagine that a whole property is missing, say every dark dot: that is another kind of hint to lose.
# *Mel* is a melanoma, *Nev* a harmless mole. Here are the smoothest pictures and those with the most fine texture.

# %%
plots.extremes(skin, "fine texture")

# %% [markdown]
# ## Build it
#
# Dropout leaves out single values. After a convolution that does little: the neighbours of a missing value say nearly
# the same. **Spatial dropout** (Tompson et al., 2015) leaves out whole feature maps, for the whole image, so that no
# map can rely on another. It has no weights, and in validation it leaves out nothing.

# %%
import keras
from keras import layers


def build(side, filters, rate):
    network = keras.Sequential([keras.Input((side, side, channels))])
    for times, halve in (1, True), (2, True), (4, False), (4, False), (2, True):
        conv = layers.Conv2D(times * filters, 3, padding="same", activation="relu")
        network.add(conv)
        network.add(layers.SpatialDropout2D(rate))
        if halve:
            network.add(layers.MaxPooling2D())
    network.add(layers.Flatten())
    for units in (64, 64):
        network.add(layers.Dense(units, activation="relu"))
        network.add(layers.Dropout(dropout))
    network.add(layers.Dense(1, activation="sigmoid"))
    return network


# %% [markdown]
# Train it with eight filters on 400 small images, centred and scaled. Then change the marked line: does it start sooner
# when nothing is left out, or go further? And with 0.4 missing after each of five convolutions, does it learn at all?

# %%
small = skin.small()  # 400 images of 48 x 48 pixels
mean, spread = small.x_train.mean(), small.x_train.std()
x, y = (small.x_train - mean) / spread, small.y_train
new = (small.x_val - mean) / spread, small.y_val

# %% tags=["nbval-ignore-output"]
rate = 0.1  # <- change this: 0.0, then 0.4

keras.utils.set_random_seed(seed)
network, adam = build(small.image_size, 8, rate), keras.optimizers.Adam(1e-3)
network.compile(adam, "binary_crossentropy", metrics=["accuracy"])
curves = plots.live_fit(f"spatial dropout {rate}")
history = network.fit(
    x, y, batch_size=16, epochs=24, verbose=0, validation_data=new, callbacks=[curves]
)

# %% [markdown]
# Does the solid curve run above the dashed one? Training is measured while maps are missing, validation with all of
# them.

# %% [markdown]
# ## Play
#
# Set the rate of spatial dropout. What does each of the two curves lose?

# %%
widgets.playground("task6a")

# %% [markdown]
# ## The evidence
#
# The lab trained the wide network on a thousand images, with all maps and with a tenth of them missing.

# %%
settings = {"epochs": n_epoch, "batch_size": batch_s, "n_base": n_base, "seed": seed}
base = skin.run(model="alexnet", learning_rate=lr, dropout=dropout, **settings)
with_spatial = base.with_(spatial_dropout=spatial_dropout)
configs = {
    "no spatial dropout": base,
    f"spatial dropout {spatial_dropout:g}": with_spatial,
}
training.same_network(build(image_size, n_base, spatial_dropout), with_spatial)

# %% tags=["predict", "revealed-by-curves"]
course.ask("task6a", 2)

# %% tags=["nbval-ignore-output"]
live = plots.live_curves(configs)
runs = training.train_all(
    configs, skin, reuse=reuse, train_missing=train_missing, on_epoch=live
)

# %% tags=["curves"]
plots.learning_curves(runs, said=course.said("task6a", 2))

# %% [markdown]
# Which pair of curves comes down first? And is the one that is ahead in training also ahead in validation?

# %%
plots.compare_curves(runs, said=course.said("task6a", 1))

# %% [markdown]
# "Converges faster" is a comparison of epochs: which run is the first at a stated accuracy? One crossing may be luck,
# as the curve jumps, and another accuracy may have another winner. Move it.

# %%
goals = [0.6, 0.65, 0.7, 0.75, 0.8, 0.85]
widgets.explore_number(
    lambda goal: evaluate.reach_table(runs, goal, curve="val_accuracy"),
    "accuracy",
    goals,
    start=0.75,
)

# %% [markdown]
# The best epoch of each run, judged on an exam: images on which no network and no epoch was chosen.

# %%
gaps = {"Gaps": evaluate.gap_table(runs)}
evaluate.card(runs, skin, task="task6a", more=gaps, said=course.said("task6a", 2))
audit.tell_simple(runs, skin, task="task6a")
widgets.beside_the_lab(runs, "task6a")

# %% [markdown]
# ## Explore
#
# Maps dropped whole, or the same share of single pixels. What does the next layer still see?

# %%
widgets.drop_map(skin)

# %% [markdown]
# ## Write
#
# Spatial dropout leaves out whole feature maps. Build a network that does.

# %% tags=["exercise"]
import keras
from keras import layers


def build_spatial_dropout(side, n_base, rate):
    """A network for grey images of side x side pixels, with an Input, not compiled.

    Twice: a 3x3 convolution with same padding, of n_base and then 2 * n_base filters,
    ReLU, spatial dropout of that rate, 2x2 max-pooling. Then one output with a sigmoid.
    """
    ### BEGIN SOLUTION
    network = keras.Sequential([keras.Input((side, side, 1))])
    for filters in n_base, 2 * n_base:
        network.add(layers.Conv2D(filters, 3, padding="same", activation="relu"))
        network.add(layers.SpatialDropout2D(rate))
        network.add(layers.MaxPooling2D())
    network.add(layers.Flatten())
    network.add(layers.Dense(1, activation="sigmoid"))
    return network
    ### END SOLUTION


# %% tags=["check"]
check.exercise(build_spatial_dropout)

# %% [markdown]
# ## Answer
#
# **Question.** Why might spatial dropout be slower, is it here, and what might be gained for it? Is 150 epochs a fair
# place to compare the two?

# %% [markdown] tags=["answer"]
# *Your answer (double-click to write):*

# %% [markdown] tags=["reference"]
# When you have written yours, open ours.
#
# <details><summary><b>Reference answer</b></summary>
#
# With a tenth of the maps missing after each of five convolutions, every step sees a damaged network, and may move it a
# little less far in the right direction. Whether learning takes more epochs here is read from the curves and judged on
# the card, with as many seeds as are stored. What may be gained is independence: no map can rely on another. A
# comparison at a fixed epoch is unfair to the slower one, as in Task 5C; Task 6B gives both more time.
#
# </details>

# %% [markdown]
# ## Summary
#
# - Spatial dropout stands after the ReLU of a convolution, and does nothing in validation.
# - Feature maps are dropped whole, because neighbours in a map say nearly the same.
# - "Faster" is an epoch at which a stated value is reached.
#
# Next: [Task 6B](task6b.ipynb) goes on to 250 epochs.
