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
# # Task 5D: The same for longer
#
# **Two networks are compared after 80 epochs, and again after 150. Need it be the same one that is ahead? And who says
# stop?**
#
# At the end you will be able to
#
# - let Keras stop a training, and keep its best weights
# - say from which epoch on a run over-fits, so that a program can check it
# - say why the order of two networks can change with the epoch

# %% [markdown]
# ## Parameters
#
# The settings of the lab report, folded. To run with another: `papermill task5d.ipynb out.ipynb -p n_epoch 100`.

# %% jupyter={"source_hidden": true} tags=["parameters"]
lr: float = 1e-5  # learning rate, above 0 and at most 1
n_epoch: int = 150  # epochs (passes over the training images), a whole number from 1
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
# The two networks of [Task 5C](task5c.ipynb) are not trained anew but continued, to nearly twice the epochs.

# %% tags=["predict", "revealed-by-curves"]
course.ask("task5d", 1)

# %% [markdown]
# ## Look
#
# Validation images are never trained on, but they are looked at after every epoch. The more often one looks, the better
# the best look is, by chance alone. Here are the pictures with the least and the most asymmetry (*Mel* is a melanoma,
# *Nev* a harmless mole): which would you want to look at twice?

# %%
plots.extremes(skin, "asymmetry")

# %% [markdown]
# ## Build it
#
# The network of Task 5C, and a rule for its end: **early stopping**. Training stops when the validation loss has found
# no new minimum for some epochs, the *patience*, and the weights of the minimum come back.

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
# Train it on 400 small images, centred and scaled. Then change the marked line: what does a patience of 3 epochs make
# of the normalized network? And a patience of 12 of the one without normalization?

# %%
small = skin.small()  # 400 images of 48 x 48 pixels
mean, spread = small.x_train.mean(), small.x_train.std()
x, y = (small.x_train - mean) / spread, small.y_train
new = (small.x_val - mean) / spread, small.y_val

# %% tags=["nbval-ignore-output"]
normalize, patience = True, 12  # <- change this: True, 3, then False, 12

keras.utils.set_random_seed(seed)
network = build(small.image_size, normalize)
network.compile("adam", "binary_crossentropy", metrics=["accuracy"])  # its rate: 1e-3
stop = keras.callbacks.EarlyStopping(patience=patience, restore_best_weights=True)
history = network.fit(
    x,
    small.y_train,
    epochs=24,
    batch_size=8,
    validation_data=new,
    verbose=0,
    callbacks=[plots.live_fit(f"batch norm {normalize}, patience {patience}"), stop],
)

# %% tags=["nbval-ignore-output"]
print(f"{len(history.epoch)} epochs trained; the best: epoch {stop.best_epoch + 1}.")

# %% [markdown]
# A short patience takes the first rise of the loss for the end. With normalization that comes early: at first the
# running averages are wrong, as in [Task 5B](task5b.ipynb), and validation gets worse before it gets better.

# %% [markdown]
# ## Play
#
# Does the validation loss still fall at the last epoch, with and without normalization?

# %%
widgets.playground("task5d")

# %% [markdown]
# ## The evidence
#
# The lab trained both on a thousand images, from several seeds (other first weights), and stopped
# neither.

# %%
settings = {"epochs": n_epoch, "batch_size": batch_s, "n_base": n_base, "seed": seed}
base = skin.run(model="alexnet", learning_rate=lr, dropout=dropout, **settings)
configs = {"no batch norm": base, "batch norm": base.with_(batch_norm=True)}
training.same_network(build(image_size, True), configs["batch norm"])

# %% tags=["predict", "revealed-by-curves"]
course.ask("task5d", 2)

# %% tags=["nbval-ignore-output"]
live = plots.live_curves(configs)
runs = training.train_all(
    configs, skin, reuse=reuse, train_missing=train_missing, on_epoch=live
)

# %% tags=["curves"]
plots.learning_curves(runs, said=course.said("task5d", 2))

# %% [markdown]
# Task 5C stopped at epoch 80. What would you have concluded there, and what do you conclude now? Both losses in one
# picture:

# %%
plots.compare_curves(runs, "val_loss", said=course.said("task5d", 1))

# %% [markdown]
# A run over-fits from the epoch after which its smoothed validation loss stays more than a *climb* above its minimum.
# How large a climb counts is a choice. The best epoch of each run is judged on an exam: images on which no network and
# no epoch was chosen.

# %%
more = {"Gaps": evaluate.gap_table(runs), "Quality": evaluate.quality_table(runs)}
evaluate.card(runs, skin, task="task5d", more=more)
audit.tell_simple(runs, skin, task="task5d")
widgets.beside_the_lab(runs, "task5d")

# %% [markdown]
# ## Explore
#
# Move to the end of the run with batch normalization: how sure is it of itself, and how right?

# %%
widgets.epoch_scrubber(runs, skin)


# %% [markdown]
# ## Write
#
# Fifty epochs more do not help a network that is asked another thing than it was taught. This function trains well, and
# its answers for new images are worth nothing.

# %%
def train_and_ask(network, x, y, new):
    mean, spread = x.mean(), x.std()
    network.fit((x - mean) / spread, y, batch_size=20, epochs=10, verbose=0)
    return network.predict(new, verbose=0)


# %% [markdown]
# Copy it and mend it. New images may come one by one, and may be brighter than those of training.

# %% tags=["exercise"]
def mend_normalization(network, x, y, new):
    """The function above, mended: train the network, and give its answers for new images.

    The network, compiled, is trained on the images x, centred and scaled to a mean of 0
    and a spread of 1.
    """
    ### BEGIN SOLUTION
    mean, spread = x.mean(), x.std()
    network.fit((x - mean) / spread, y, batch_size=20, epochs=10, verbose=0)
    return network.predict((new - mean) / spread, verbose=0)
    ### END SOLUTION


# %% tags=["check"]
check.exercise(mend_normalization)

# %% [markdown]
# ## Answer
#
# **Question.** From which epoch on does the normalized network over-fit, and does the other keep generalizing? Which of
# the two would you use, and from which epoch?

# %% [markdown] tags=["answer"]
# *Your answer (double-click to write):*

# %% [markdown] tags=["reference"]
# When you have written yours, open ours.
#
# <details><summary><b>Reference answer</b></summary>
#
# The epoch from which a run over-fits depends on the climb that is called over-fitting, and on the seed: the honest
# answer is a range, and the details of the card have it for four climbs. Early stopping takes the weights of the lowest
# validation loss, and so it matters less which of the two over-fits later. The order by the loss can change with the
# epoch, because a network that learns faster also passes its best epoch sooner. Which of the two is better at its best
# epoch is for the exam to say, and it may not be able to.
#
# </details>

# %% [markdown]
# ## Summary
#
# - Early stopping keeps the weights of the lowest validation loss; too little patience stops at the first bump.
# - "Over-fits from epoch n" needs a definition, and changes with it.
# - Whoever learns faster passes the best epoch sooner: the order of two networks can change with the epoch.
#
# Next: [Task 6A](task6a.ipynb) drops whole feature maps.

# %% [markdown] jp-MarkdownHeadingCollapsed=true
# ## Going further
#
# Optional: the same settings on photographs of real lesions.

# %% [markdown]
# The same settings on photographs of real lesions. Does a loss turn here, and when?

# %%
plots.real_curves("task5d")
