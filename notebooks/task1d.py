# ---
# jupyter:
#   jupytext:
#     cell_metadata_filter: tags,nbgrader,-papermill,-execution,-editable,-slideshow
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
# Task 1C compared networks of different depth. Here the **width** changes: VGG16 with 8 filters in its first block, or
# 16. And because a wider network can learn more by heart, **dropout** is added to the wider one.
#
# At the end you will be able to say
#
# - how the number of parameters grows with the width
# - whether a wider network is a better one on a thousand images
# - what dropout does to the training curve, and why that is not a bad sign
#
# With the stored runs it takes seconds to run, a run of your own on the small network less than a minute, and half an
# hour to think through. The [index](index.ipynb) says what training everything here would take.

# %% [markdown]
# ## Parameters
#
# The settings of the lab report. Change one and run the notebook again, or give it on the command line: `papermill
# task1d.ipynb out.ipynb -p dropout 0.5`.

# %% tags=["parameters"]
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

# %% [markdown]
# ## Setup

# %%
from labutils import audit, course, evaluate, parameters, plots, training
from labutils.course import check, widgets
from labutils.data import load_dataset

parameters.check(globals())
skin = load_dataset("skin", image_size, channels, source, n_train, n_val)
print(skin.banner())

# %% [markdown]
# Images, learning rate and epochs are those of Task 1B: only the network changes.

# %% [markdown]
# ## Predict
#
# Twice the filters, then dropout on top.

# %% tags=["predict"]
course.ask("task1d", 1)

# %% [markdown]
# ## Look
#
# A thousand training images are few: a network with a few hundred thousand parameters has hundreds for each of them.
# Here are the pictures with the least and the most contrast. Which accidental properties (a hair, a shadow) could be
# learned by heart instead of the lesion?

# %%
plots.extremes(skin, "contrast")

# %% [markdown]
# ## Play
#
# Set width and dropout of a small LeNet. When does the training curve leave the validation curve behind, and what
# brings them together again?

# %%
widgets.playground("task1d")

# %% [markdown]
# ## The evidence
#
# Dropout (Srivastava et al., 2014) leaves out a random share of the dense layers' units in every training step, so that
# no unit can rely on another one being there. In validation all units are present. In Keras it is one line after each
# dense layer: `x = layers.Dropout(0.2)(x)`.

# %%
wide = skin.run(model="vgg16", learning_rate=lr, epochs=n_epoch, batch_size=batch_s, n_base=n_base, seed=seed)
configs = {
    "b8": wide.with_(n_base=8),
    f"b{n_base}": wide,
    f"b{n_base}, dropout {dropout:g}": wide.with_(dropout=dropout),
}

# %%
evaluate.network_table(configs, skin.n_classes)

# %% [markdown]
# Twice the filters make four times the weights of a convolution, since both its inputs and its outputs double. Dropout
# adds no parameters at all.

# %% tags=["nbval-ignore-output"]
runs = training.train_all(configs, skin, reuse=reuse, train_missing=train_missing, on_epoch=plots.live_curves(configs))

# %%
plots.learning_curves(runs)

# %% [markdown]
# With dropout the training accuracy is measured while units are missing, and the validation accuracy with all of them.
# If the dashed line runs below the solid one, that is one reason, and no error; the other is that it is measured while
# the epoch goes on, and the solid one after it.

# %%
plots.compare_curves(runs)

# %%
widgets.beside_the_lab(runs, "task1d")

# %% [markdown]
# The report quotes two accuracies for b8: .8500 in Tasks 1B and 3, .8450 in Tasks 1C and 1D. Here both are one run.

# %%
audit.run_table(runs, skin, task="task1d")

# %% [markdown]
# How far do training and validation lie apart at the end? A gap says how much was learned by heart.

# %%
evaluate.gap_table(runs)

# %%
plain, dropped = runs.get(f"b{n_base}"), runs.get(f"b{n_base}, dropout {dropout:g}")
evaluate.tell("gap", plain, dropped)

# %%
evaluate.paired_table(runs)

# %% [markdown]
# One seed and the images that chose the epoch: the other way to ask is on the exam, with every seed that is stored.

# %%
seeds = evaluate.with_seeds(runs)
evaluate.exam_table(seeds)

# %%
dropped_seeds = seeds.get(f"b{n_base}, dropout {dropout:g}", [])
evaluate.tell("better", seeds.get(f"b{n_base}", []), dropped_seeds, what="Dropout")

# %% [markdown]
# *No better* and *equally good* are harder to show than *better*: it is not enough that no difference was found, the
# interval must also exclude any difference that would matter. The conclusions of the report. *What the lab could know*
# judges as the report could have: its validation images, one seed. *What holds for these images* judges on an exam on
# which no network and no epoch was chosen, over all seeds that are stored. The rules, folded below the table, say when a
# difference counts.

# %%
verdicts = evaluate.judge_task(runs, "task1d")
evaluate.verdict_table(verdicts)

# %% [markdown]
# How far does this carry? The same settings were trained on photographs of real lesions, which are not part of the lab,
# and judged by the same rules. There is no exam for them, and one seed.

# %%
evaluate.real_table(verdicts)

# %% [markdown]
# Their curves, to be read as those above:

# %%
plots.real_curves("task1d")

# %% [markdown]
# ## Explore
#
# A reliability curve compares what a network says with what happens: of the images to which it gives a probability of
# 0.8, are about eight in ten of that class? Move through the epochs and watch the confidence grow.

# %%
widgets.explore_epochs(plots.reliability, runs)

# %% tags=["predict"]
course.ask("task1d", 2, runs)

# %% [markdown]
# ## Write
#
# Your turn to build: LeNet with its filters and its dropout as settings. The check goes through the layers, says which
# is another one, and trains what you built on small images of its own; that takes some seconds.

# %% tags=["exercise"]
import keras
from keras import layers


def build_lenet(side, n_base, rate):
    """LeNet for grey images of side x side pixels, as a Keras network with an Input, not compiled.

    Two 3x3 convolutions with same padding, of n_base and 2 * n_base filters, each with ReLU and then 2x2 max-pooling; a
    dense layer of 64 units with ReLU and dropout of that rate behind it; one output, the probability of label 1.
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
# *Your answer:*

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
# The numbers behind it, computed from the runs above:

# %%
widgets.show_evidence(verdicts)

# %% [markdown]
# ## Summary
#
# - Twice the width is four times the weights of a convolution, and nearly that for the whole network.
# - Dropout can only close a gap that is there.
# - "No better" needs an interval, not just a missing difference.
#
# Next: [Task 1E](task1e.ipynb) sets all three networks side by side.
