# ---
# jupyter:
#   jupytext:
#     cell_metadata_filter: tags,nbgrader,jupyter,-papermill,-execution,-editable,-slideshow
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
# # Your own images
#
# Everything so far was asked by somebody else. Here the question is yours: bring images of two or more classes, and
# find out whether a network can tell them apart, and how far you may believe it.
#
# At the end you will be able to say
#
# - what your images give away before anything is trained
# - what a network adds to a simple model, and what training it costs
# - what holds for images on which nothing was chosen
#
# Without images of your own it shows one run of the lab on phantoms, in seconds. How long your own training takes is
# said before it begins.

# %% [markdown]
# ## Parameters
#
# Images first: `labutils data import SOURCE chest` makes a data set of a folder, a table or DICOM files, and then it is
# `dataset = "chest"` here, or `labutils run own -p dataset chest`. What a folder must look like is in
# [data/README.md](../data/README.md).

# %% jupyter={"source_hidden": true} tags=["parameters"]
dataset: str = "skin"  # skin, bone, x_ray, or the name of a folder of yours in data/
model: list = ["alexnet"]  # lenet, alexnet or vgg16, or a list of them
lr: float = 1e-4  # learning rate, above 0 and at most 1
n_epoch: int = 50  # epochs (passes over the training images), a whole number from 1
batch_s: int = 8  # images per training step, a whole number from 1
n_base: int = 8  # filters of the first block, from 1; later blocks have a multiple of it
dropout: float = 0.4  # share of the dense layers' units left out in a step, at least 0 and below 1
batch_norm: bool = False  # True normalizes each batch in front of every ReLU
seed: int = 0  # decides initial weights and the order of the images, a whole number from 0
image_size: int = 128  # side of the images in pixels, 32 to 1024
channels: int = 1  # 1 (grey) or 3 (colour)
n_train: int = None  # training images, a whole number from 2; None takes all
n_val: int = None  # validation images, a whole number from 2; None takes all
source: str = "auto"  # images: course (yours), public, phantom, or auto for the first of them that is there
reuse: bool = True  # False trains anew even what is stored
max_minutes: float = 60.0  # minutes that one training may take here; what takes longer is named and left out

# %% [markdown]
# ## Setup

# %%
from labutils import audit, evaluate, parameters, plots, training
from labutils.config import as_list
from labutils.course import widgets
from labutils.data import load_dataset
from labutils.tools import own

parameters.check(globals())
images = load_dataset(dataset, image_size, channels, source, n_train, n_val)
print(images.banner())
own.say_exam(images)

# %% [markdown]
# Are these the images you meant, and as many of each class as you think? Before you go on, write down two numbers: the
# accuracy you expect, and the accuracy from which on you would be impressed. It is easy to be impressed afterwards.

# %% [markdown]
# ## Look

# %%
plots.sample_grid(images)

# %% [markdown]
# They are shown as the network gets them: small and square. Can *you* still see what the question is about? If not, a
# larger `image_size` may be worth its time.
#
# Now what the images give away by themselves: the same picture in training and in validation, a patient in both, a
# class that is brighter, or of another size, than the other.

# %%
judged = audit.audit(images)
judged

# %% [markdown]
# A *leak* makes every number below too good: mend it first. A *shortcut* is something that a network will find instead
# of what you are after. *Cannot tell* is an answer too: few images decide little.

# %% [markdown]
# ## The evidence
#
# First what can be had without a network: a few dozen numbers for each image, such as its mean brightness, its edges or
# its coarse shape, and a linear model or a forest on them. This, and not one half, is what a network has to beat.

# %%
baselines = audit.baseline_table(images)
baselines

# %% [markdown]
# Now the networks. What is stored is read; of everything else the cost is said, and what would take longer than
# `max_minutes` is left out.

# %% tags=["nbval-ignore-output"]
configs = {
    name: images.run(
        model=name, learning_rate=lr, epochs=n_epoch, batch_size=batch_s, n_base=n_base,
        dropout=dropout, batch_norm=batch_norm, seed=seed,
    )
    for name in as_list(model)
}  # fmt: skip
chosen = own.affordable(configs, images, max_minutes, reuse)

# %% tags=["nbval-ignore-output"]
runs = training.train_all(
    chosen, images, reuse=reuse, on_epoch=plots.live_curves(chosen)
)

# %%
plots.learning_curves(runs)

# %% [markdown]
# Does the validation loss follow the training loss down? Where it turns upwards, the network begins to learn its
# training images by heart: more dropout, fewer epochs or more images. Where both still fall at the end, it is not
# finished: more epochs, or a higher rate. The dotted line is the largest class.

# %% [markdown]
# ## Exam
#
# Images on which nothing was chosen: no epoch, no rate, no network. Yours are in a folder `test` beside `train` and
# `validation`; the import makes one. Look once: whoever goes back and changes something because of the exam has no exam
# any more.
#
# Each dot below is an accuracy, and its line the 95 % interval: how far another draw of as many images might have moved
# it. Does a network leave the best simple model behind? Without an exam these are the validation images; there the best
# of many epochs was picked because it did well on them, so that even its interval flatters.

# %%
more = {
    "Class by class": evaluate.quality_table(runs),
    "On the exam": own.exam_table(runs, images),
}
evaluate.card(runs, images, more=more)
audit.tell_simple(runs, images)

# %% [markdown]
# ## Explore
#
# Which class is taken for which? Move through the epochs.

# %%
widgets.explore_epochs(plots.confusion_matrix, runs)

# %% [markdown]
# Where does the network look? Four validation images of which it is surest, right ones and wrong ones, and the heat map
# of the class that it answers.

# %%
for run in runs.values():
    widgets.show_gradcam(run, images)

# %% [markdown]
# If the heat lies on a ruler, a letter or the border, you have found a shortcut that the audit did not.

# %% [markdown]
# ## Results to keep
#
# One page with what is above, its pictures inside: audit, simple models, curves, tables and exam, and for whoever opens
# it the epochs and the threshold to move. Files are named in it only where the audit found something.

# %%
page = own.write_page(images, judged, baselines, runs)

# %% [markdown]
# ## Summary
#
# - What images give away is found before training, and mended before training.
# - A network is worth its cost where it leaves the simple models behind by more than chance.
# - What is said in the end is said from the exam, once, with its interval.
#
# Back to the [index](index.ipynb).
