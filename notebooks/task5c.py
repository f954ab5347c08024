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
# # Task 5C: Batch normalization at a small learning rate
#
# At a rate of 1e-4 batch normalization made AlexNet fast. Here the rate is **ten times smaller**, with dropout 0.4 in
# both runs. Does normalization still help, and on which curve?
#
# At the end you will be able to say
#
# - how learning rate and batch normalization depend on each other
# - why a higher accuracy and a lower loss are two claims, not one
# - why the order of two networks can depend on the epoch
#
# With the stored runs it takes seconds to run, a run of your own on the small network less than a minute, and half an
# hour to think through. The [index](index.ipynb) says what training everything here would take.

# %% [markdown]
# ## Parameters
#
# The settings of the lab report. Change one and run the notebook again, or give it on the command line: `papermill
# task5c.ipynb out.ipynb -p lr 1e-6`.

# %% tags=["parameters"] jupyter={"source_hidden": true}
lr: float = 1e-5  # learning rate, above 0 and at most 1
n_epoch: int = 80  # epochs (passes over the training images), a whole number from 1
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
# Same images and network as in Task 5A; rate and number of epochs are new, so both runs are.

# %% [markdown]
# ## Predict
#
# A rate ten times smaller, with and without batch normalization.

# %% tags=["predict"]
course.ask("task5c", 1)

# %% [markdown]
# ## Look
#
# The hard ones: validation images on which a stored network is least sure of itself. Which of these would you not dare
# to label? Being unsure where it is right to be unsure is what a low loss rewards, and an accuracy does not see.

# %%
unsure = training.find(
    skin.run(model="vgg16", learning_rate=lr, epochs=100, n_base=n_base, seed=seed),
    skin,
    at_least=1,
)
plots.hardest(skin, unsure)

# %% [markdown]
# ## Play
#
# Find a rate at which the plain network hardly starts, and switch batch normalization on.

# %%
widgets.playground("task5c")

# %% [markdown]
# ## The evidence
#
# One switch: batch normalization off and on.

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
configs = {"no batch norm": base, "batch norm": base.with_(batch_norm=True)}

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
# Has the run without normalization arrived after the last epoch, or is its loss still falling? If it is, this
# comparison favours the faster one. [Task 5D](task5d.ipynb) gives both more time.

# %%
plots.compare_curves(runs)

# %%
widgets.beside_the_lab(runs, "task5c")

# %%
audit.run_table(runs, skin, task="task5c")

# %%
evaluate.paired_table(runs)

# %% [markdown]
# Who is ahead by the loss, and until when? The sentences are read from the curves, seed by seed. Who is ahead by the
# accuracy is another question.

# %%
seeds = evaluate.with_seeds(runs)
evaluate.tell("lead", seeds.get("no batch norm"), seeds.get("batch norm"))

# %% [markdown]
# One seed and the images that chose the epoch: the other way to ask is on the exam, with every seed that is stored.

# %%
evaluate.exam_table(seeds)

# %%
evaluate.tell(
    "better",
    seeds.get("no batch norm"),
    seeds.get("batch norm"),
    what="batch normalization",
)

# %%
evaluate.quality_table(runs)

# %% [markdown]
# The claim has two halves, and each is judged by its own rule.

# %% [markdown]
# The conclusions of the report. *What the lab could know* judges as the report could have: its validation images, one
# seed. *What holds for these images* judges on an exam on which no network and no epoch was chosen, over all seeds that are
# stored. The rules, folded below the table, say when a difference counts.

# %%
verdicts = evaluate.judge_task(runs, "task5c")
evaluate.verdict_table(verdicts)

# %% [markdown]
# How far does this carry? The same settings were trained on photographs of real lesions, which are not part of the lab,
# and judged by the same rules. There is no exam for them, and one seed.

# %%
evaluate.real_table(verdicts)

# %% [markdown]
# Their curves, to be read as those above:

# %%
plots.real_curves("task5c")

# %% [markdown]
# ## Explore
#
# Move through the epochs: when does each network begin to tell the classes apart?

# %%
widgets.explore_epochs(plots.confusion_matrix, runs)

# %% tags=["predict"]
course.ask("task5c", 2, runs)

# %% [markdown]
# ## Write
#
# After training, batch normalization is one multiplication and one addition per channel. Write the function that gives
# both numbers.

# %% tags=["exercise"]
import numpy as np


def fold_batch_norm(gamma, beta, mean, variance, epsilon=1e-3):
    """Batch normalization at inference as one multiplication and one addition: (scale, shift) of every channel.

    scale * x + shift must equal gamma * (x - mean) / sqrt(variance + epsilon) + beta.
    """
    ### BEGIN SOLUTION
    scale = gamma / np.sqrt(variance + epsilon)
    return scale, beta - scale * mean
    ### END SOLUTION


# %% tags=["check"]
check.exercise(fold_batch_norm)

# %% [markdown]
# ## Answer
#
# **Question.** At this rate, does batch normalization give the better network? Answer separately for accuracy and for
# loss, and say how sure you are of each.

# %% [markdown] tags=["answer"]
# *Your answer (double-click to write):*

# %% [markdown] tags=["reference"]
# When you have written yours, open ours.
#
# <details><summary><b>Reference answer</b></summary>
#
# At a small rate a network may need most of its epochs to get going. Whether the normalized one starts faster is one
# question, whether it stays ahead is another: the sentences under the paired table read both from the loss curves. The
# loss can tell two networks apart that the accuracy cannot: every image contributes a number to it, not only a yes or
# no. That is why the two halves of the claim may come out differently.
#
# </details>

# %% [markdown]
# The numbers behind it, computed from the runs above:

# %%
widgets.show_evidence(verdicts)

# %% [markdown]
# ## Summary
#
# - Starting faster at a small rate is one thing, staying ahead another; who is ahead by the loss need not be by accuracy.
# - Higher accuracy and lower loss are two claims.
# - A comparison at a fixed epoch favours whoever is faster.
#
# Next: [Task 5D](task5d.ipynb) gives both networks nearly twice the time.
