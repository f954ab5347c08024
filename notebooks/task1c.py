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
# # Task 1C: AlexNet against VGG16
#
# Task 1B found a learning rate for VGG16. Here the rate stays and the **network** changes: AlexNet has five
# convolutions, VGG16 thirteen. Is the deeper one better, and does it look at the right thing?
#
# At the end you will be able to say
#
# - what more layers cost, in parameters, in work per image and in time
# - whether two accuracies differ by more than chance
# - what a heat map of a network's attention shows, and what it does not
#
# With the stored runs it takes seconds to run, a run of your own on the small network less than a minute, and half an
# hour to think through. The [index](index.ipynb) says what training everything here would take.

# %% [markdown]
# ## Parameters
#
# The settings of the lab report. Change one and run the notebook again, or give it on the command line: `papermill
# task1c.ipynb out.ipynb -p n_epoch 10`.

# %% tags=["parameters"]
lr: float = 1e-5  # learning rate, above 0 and at most 1
n_epoch: int = 150  # epochs (passes over the training images), a whole number from 1
batch_s: int = 8  # images per training step, a whole number from 1
n_base: int = 8  # filters of the first block, from 1; later blocks have a multiple of it
dropout: float = 0.0  # share of the dense layers' units left out in a step, at least 0 and below 1
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
# The same images as in [Task 1B](task1b.ipynb): a comparison of networks is only fair on the same images, with the same
# training and for the same number of epochs.

# %% [markdown]
# ## Predict
#
# Five convolutions or thirteen, trained alike.

# %% tags=["predict"]
course.ask("task1c", 1)

# %% [markdown]
# ## Look
#
# Here are the lesions with the least and the most fine texture. A border is a large-scale shape; globules and streaks
# are a matter of a few pixels. Which of the two would you need more pixels for?

# %%
plots.extremes(skin, "fine texture")

# %% [markdown]
# ## Play
#
# Choose a network for small images and train it. Which one leaves the level of guessing first, and which one drifts
# apart?

# %%
widgets.playground("task1c")

# %% [markdown]
# ## The evidence
#
# Two networks, one setting. AlexNet has a single hidden dense layer of 64 units here, as in the lab report.

# %%
vgg16 = skin.run(
    model="vgg16",
    learning_rate=lr,
    epochs=n_epoch,
    batch_size=batch_s,
    n_base=n_base,
    dropout=dropout,
    seed=seed,
)
configs = {"AlexNet": vgg16.with_(model="alexnet", dense=(64,)), "VGG16": vgg16}

# %% [markdown]
# What do they cost? Parameters are numbers to be learned; multiply-adds are the work for one image; the *receptive
# field* is the part of the image that one position of the last map depends on. Each block of the strip is a layer.

# %%
evaluate.network_table(configs, skin.n_classes)

# %%
widgets.architecture_strip(configs["AlexNet"], skin.n_classes)

# %%
widgets.architecture_strip(configs["VGG16"], skin.n_classes)

# %%
evaluate.tell("parameters", configs)

# %% [markdown]
# The first epochs of the VGG16 run are those of Task 1B: the same settings and seed give the same epochs.

# %% tags=["nbval-ignore-output"]
runs = training.train_all(
    configs,
    skin,
    reuse=reuse,
    train_missing=train_missing,
    on_epoch=plots.live_curves(configs),
)

# %%
plots.learning_curves(runs)

# %% [markdown]
# Compare the height of the validation curves, and also *when* each network leaves the level of guessing. A deep network
# may stay there for some epochs: its gradients have a longer way to go, and the usual initialization (Glorot) lets
# them shrink on the way through every ReLU (He 2015).

# %%
plots.compare_curves(runs)

# %%
widgets.beside_the_lab(runs, "task1c")

# %% [markdown]
# What did the training take? The table says on which machine; rows from different ones cannot be compared.

# %% tags=["nbval-ignore-output"]
evaluate.time_table(runs)

# %% [markdown]
# The report's accuracy stands beside ours. Look at the two intervals before you look at the two numbers.

# %%
audit.run_table(runs, skin, task="task1c")

# %%
evaluate.paired_table(runs)

# %% [markdown]
# One seed and the images that chose the epoch: the other way to ask is on the exam, with every seed that is stored.

# %%
seeds = evaluate.with_seeds(runs)
evaluate.exam_table(seeds)

# %% [markdown]
# Accuracy depends on the threshold of one half. The ROC curve shows what every other threshold would give; the area
# under it (AUC) is the chance that a random image of one class gets a higher probability than one of the other.

# %%
plots.roc_curve(runs)

# %% [markdown]
# The conclusions of the report. *What the lab could know* judges as the report could have: its validation images, one
# seed. *What holds for these images* judges on an exam on which no network and no epoch was chosen, over all seeds that are
# stored. The rules, folded below the table, say when a difference counts.

# %%
verdicts = evaluate.judge_task(runs, "task1c")
evaluate.verdict_table(verdicts)

# %% [markdown]
# How far does this carry? The same settings were trained on photographs of real lesions, which are not part of the lab,
# and judged by the same rules. There is no exam for them, and one seed.

# %%
evaluate.real_table(verdicts)

# %% [markdown]
# Their curves, to be read as those above:

# %%
plots.real_curves("task1c")

# %% [markdown]
# What do these numbers say? The sentences are chosen from them, by code.

# %%
evaluate.tell("depth", seeds)

# %% [markdown]
# ## Explore
#
# What does it look at? Grad-CAM weighs the last convolution's feature maps by how strongly each pushes the answer, and
# paints the sum over the image: for predictions that are right, and for some that are wrong.

# %%
widgets.show_gradcam(runs.get("VGG16"), skin)

# %% [markdown]
# Is the heat on the lesion? On its border, its texture, or beside it, on a hair or on the dark corner of the picture?
# The maps are coarse, and the warning under them is meant: a sensible map does not prove a sensible reason.

# %% tags=["predict"]
course.ask("task1c", 2, runs)

# %%
widgets.explore_epochs(plots.confusion_matrix, runs)

# %% [markdown]
# ## Write
#
# How much of the image does one position after several layers see? Write a function that works it out. The check says
# what went in, what came out, what was expected, and which mistake it is if it knows it.


# %% tags=["exercise"]
def receptive_field(layers):
    """The side, in pixels of the image, of what one position after these layers sees.

    Each layer is (side of its window, stride), the first one next to the image.
    """
    ### BEGIN SOLUTION
    field, step = 1, 1
    for window, stride in layers:
        field += (window - 1) * step
        step *= stride
    return field
    ### END SOLUTION


# %% tags=["check"]
check.exercise(receptive_field)

# %% [markdown]
# ## Answer
#
# **Question.** Which network would you use for this problem? Give one reason that the curves show and one that the cost
# table shows. What would have to be different about the experiment for you to be sure?

# %% [markdown] tags=["answer"]
# *Your answer:*

# %% [markdown] tags=["reference"]
# When you have written yours, open ours.
#
# <details><summary><b>Reference answer</b></summary>
#
# The deeper network sees more of the image at once and builds larger patterns from smaller ones, so it can do better
# where shape and texture matter; it also does more work per image. How many parameters each has depends on the size of
# the images, because most of AlexNet's sit in its first dense layer. Whether it really is better is for the tests to
# say: with so few validation images only a difference of several points can be seen at all. To be sure, one needs
# more images, several seeds and a test set that chose nothing: that is what the exam is.
#
# </details>

# %% [markdown]
# The numbers behind it, computed from the runs above:

# %%
widgets.show_evidence(verdicts)

# %% [markdown]
# ## Summary
#
# - More layers are not more parameters: where the image is halved matters as much.
# - Two accuracies are compared image by image, not number by number.
# - A heat map is a question to ask of a network, not an answer.
#
# Next: [Task 1D](task1d.ipynb) makes the network wider.
