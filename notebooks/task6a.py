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
# # Task 6A: Spatial dropout
#
# Dropout leaves out single units. In a convolution that does little: the neighbours of a missing unit carry nearly the
# same value. **Spatial dropout** leaves out whole feature maps instead. What does it do to a wider AlexNet, with 32
# filters?
#
# At the end you will be able to say
#
# - why dropout is made differently for feature maps
# - what it costs in speed
# - how to say "converges faster" so that a program can check it
#
# With the stored runs it takes seconds to run, a run of your own on the small network less than a minute, and half an
# hour to think through. The [index](index.ipynb) says what training everything here would take.

# %% [markdown]
# ## Parameters
#
# The settings of the lab report. Change one and run the notebook again, or give it on the command line: `papermill
# task6a.ipynb out.ipynb -p spatial_dropout 0.2`.

# %% tags=["parameters"] jupyter={"source_hidden": true}
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
# The images of Task 5. The network is four times as wide, and trained without batch normalization.

# %% [markdown]
# ## Predict
#
# A tenth of the feature maps missing in every step.

# %% tags=["predict"]
course.ask("task6a", 1)

# %% [markdown]
# ## Look
#
# Cover one corner of a picture with your thumb. You still know what it is, because what you covered looks like what is
# beside it. Now imagine that a whole property is missing, say every dark dot of every picture: that is a different kind
# of hint to lose. Here are the smoothest pictures and those with the most fine texture.

# %%
plots.extremes(skin, "fine texture")

# %% [markdown]
# ## Play
#
# Set the rate of spatial dropout. What does each of the two curves lose?

# %%
widgets.playground("task6a")

# %% [markdown]
# ## The evidence
#
# After every ReLU a random tenth of the feature maps is set to zero, for the whole image (Tompson et al., 2015): `x =
# layers.SpatialDropout2D(0.1)(x)`. It has no parameters: in validation, where nothing is left out, both networks
# compute in the same way.

# %%
base = skin.run(
    model="alexnet",
    learning_rate=lr,
    epochs=n_epoch,
    batch_size=batch_s,
    n_base=n_base,
    dropout=dropout,
    seed=seed,
)
with_spatial = base.with_(spatial_dropout=spatial_dropout)
configs = {
    "no spatial dropout": base,
    f"spatial dropout {spatial_dropout:g}": with_spatial,
}

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
# Which pair of curves comes down first? And is the one that is ahead in training also ahead in validation?

# %%
plots.compare_curves(runs)

# %%
widgets.beside_the_lab(runs, "task6a")

# %%
audit.run_table(runs, skin, task="task6a")

# %% [markdown]
# How long until a given validation accuracy, and how wide is the gap at the end?

# %%
evaluate.reach_table(runs, 0.75, curve="val_accuracy")

# %%
evaluate.gap_table(runs)

# %%
evaluate.paired_table(runs)

# %% [markdown]
# One seed and the images that chose the epoch: the other way to ask is on the exam, with every seed that is stored.

# %%
seeds = evaluate.with_seeds(runs)
evaluate.exam_table(seeds)

# %% [markdown]
# Which converges faster? The sentences are read from the curves.

# %%
plain, spatial = "no spatial dropout", f"spatial dropout {spatial_dropout:g}"
evaluate.tell("faster", seeds.get(plain), seeds.get(spatial), one=plain, other=spatial)

# %% [markdown]
# The conclusions of the report. *What the lab could know* judges as the report could have: its validation images, one
# seed. *What holds for these images* judges on an exam on which no network and no epoch was chosen, over all seeds that are
# stored. The rules, folded below the table, say when a difference counts.

# %%
verdicts = evaluate.judge_task(runs, "task6a")
evaluate.verdict_table(verdicts)

# %% [markdown]
# ## Explore
#
# One map of a layer dropped: whole, or the same share of single pixels. What does the next layer still see?

# %%
widgets.drop_map(skin)

# %%
widgets.explore_number(
    lambda accuracy: evaluate.reach_table(runs, accuracy, curve="val_accuracy"),
    "accuracy", values=[0.6, 0.65, 0.7, 0.75, 0.8, 0.85], start=0.7,
)  # fmt: skip

# %% tags=["predict"]
course.ask("task6a", 2, runs)

# %% [markdown]
# ## Write
#
# Spatial dropout leaves out whole feature maps. Write the function that does it to a batch. The check says what went
# in, what came out, what was expected, and which mistake it is if it knows it.


# %% tags=["exercise"]
def drop_maps(x, rate, draws):
    """Spatial dropout in training: of x (batch, height, width, channels) whole feature maps are left out.

    A map of an image is left out where its draw (batch, channels) is below the rate; the others are divided by
    1 - rate.
    """
    ### BEGIN SOLUTION
    mask = (draws >= rate) / (1 - rate)
    return x * mask[:, None, None, :]
    ### END SOLUTION


# %% tags=["check"]
check.exercise(drop_maps)

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
# With a tenth of the maps missing after each of five convolutions, every step sees a damaged network and may move it a
# little less far in the right direction. Whether learning takes more epochs here, the sentence on speed says, and of
# how many seeds it can say so. What may be gained is independence: no map can
# rely on another. A comparison at a fixed epoch is unfair to the slower one, as in Task 5C; Task 6B gives both more
# time. Whether the maps are dropped before or after the ReLU makes no difference: a whole map is multiplied by 0 or by
# 1/(1 - p), and multiplying by a number that is not negative can be exchanged with ReLU and with max-pooling.
#
# </details>

# %% [markdown]
# The numbers behind it, computed from the runs above:

# %%
widgets.show_evidence(verdicts)

# %% [markdown]
# ## Summary
#
# - Feature maps are dropped whole, because neighbours in a map say nearly the same.
# - What makes a network robust may make it slow.
# - "Faster" is an epoch at which a stated value is reached.
#
# Next: [Task 6B](task6b.ipynb) goes on to 250 epochs.
