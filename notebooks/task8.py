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
# # Task 8: Augmentation in training
#
# The generator of Task 7 goes into training: in every epoch the network sees each image **changed anew**. Does a large
# AlexNet with a thousand images learn better for it?
#
# At the end you will be able to say
#
# - what augmentation does to the training curve, and why it may lie below the validation curve
# - whether it improves validation, and how that is shown
# - what it costs
#
# With the stored runs it takes seconds to run, a run of your own on the small network less than a minute, and half an
# hour to think through. The [index](index.ipynb) says what training everything here would take.

# %% [markdown]
# ## Parameters
#
# The settings of the lab report. Change one and run the notebook again, or give it on the command line: `papermill
# task8.ipynb out.ipynb -p rotation 20`.

# %% tags=["parameters"] jupyter={"source_hidden": true}
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

# %% [markdown]
# ## Setup

# %%
import numpy as np

from labutils import audit, augment, course, evaluate, parameters, plots, training
from labutils.config import Augmentation
from labutils.course import check, widgets
from labutils.data import load_dataset

parameters.check(globals())
skin = load_dataset("skin", image_size, channels, source, n_train, n_val)
print(skin.banner())

# %% [markdown]
# The report used colour images of 224 pixels for this task. The question asks for no size, so the default is as
# everywhere; `image_size` and `channels` are parameters.

# %% [markdown]
# ## Predict
#
# The same thousand images, turned, shifted and mirrored a little, another way in every epoch.

# %% tags=["predict"]
course.ask("task8", 1)

# %% [markdown]
# ## Look
#
# Six training images, three of each class: the upper row as they are, the lower row as one epoch of augmentation makes
# them. If you can tell that an image was changed, so can the network: repeated edges are a trace that real images do
# not have.

# %%
changes = Augmentation(rotation=rotation, shift=shift, horizontal_flip=horizontal_flip)
chosen = [i for label in (0, 1) for i in np.flatnonzero(skin.y_train == label)[:3]]
changed = augment.augment_batch(
    skin.x_train[chosen], changes, [[seed, i] for i in range(len(chosen))]
)
names = [skin.class_names[label] for label in skin.y_train[chosen]]
titles = [*names, *(f"{name}, changed" for name in names)]
plots.images_row([*skin.x_train[chosen], *changed], titles, f"Skin ({skin.source})")

# %% [markdown]
# ## Play
#
# Train the small network without and with augmentation. The generator that you write below can take the place of ours:
# `widgets.playground("task8", generator=my_generator)`.

# %%
widgets.playground("task8")

# %% [markdown]
# ## The evidence
#
# One switch: augmentation off and on. Validation images are never changed.

# %%
base = skin.run(
    model="alexnet", dense=(128, 64), batch_norm=True, learning_rate=lr, epochs=n_epoch, batch_size=batch_s,
    n_base=n_base, dropout=dropout, seed=seed,
)  # fmt: skip
configs = {"no augmentation": base, "augmentation": base.with_(augmentation=changes)}

# %%
evaluate.network_table(configs, skin.n_classes)

# %% [markdown]
# Compare the number of parameters with the number of images: there is room to learn all of them by heart.

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
# With augmentation the training accuracy is measured on changed images of the same thousand lesions: harder pictures,
# but not new patients. Is the gap between the two lines smaller, and at whose expense?

# %%
plots.compare_curves(runs)

# %%
widgets.beside_the_lab(runs, "task8")

# %% [markdown]
# What did it cost? Rows from different machines cannot be compared.

# %% tags=["nbval-ignore-output"]
evaluate.time_table(runs)

# %% [markdown]
# The report shows one curve here and no number.

# %%
audit.run_table(runs, skin)

# %%
evaluate.gap_table(runs)

# %% [markdown]
# The gap with the training images as they are, beside the gap with the changed ones:

# %%
evaluate.gap_table(runs, both_ways=True)

# %%
seeds = evaluate.with_seeds(runs)
plain, augmented = [*seeds.values(), [], []][:2]
evaluate.tell("gap", plain, augmented, what="augmentation")

# %%
evaluate.paired_table(runs)

# %% [markdown]
# One seed and the images that chose the epoch: the other way to ask is on the exam, with every seed that is stored.

# %%
evaluate.exam_table(seeds)

# %%
evaluate.tell("better", plain, augmented, what="augmentation")

# %% [markdown]
# The conclusions of the report. *What the lab could know* judges as the report could have: its validation images, one
# seed. *What holds for these images* judges on an exam on which no network and no epoch was chosen, over all seeds that are
# stored. The rules, folded below the table, say when a difference counts.

# %%
verdicts = evaluate.judge_task(runs, "task8")
evaluate.verdict_table(verdicts)

# %% [markdown]
# ## Explore
#
# Choose a run and move through its epochs: which one stays honest about what it does not know?

# %%
widgets.explore_epochs(plots.reliability, runs)

# %% tags=["predict"]
course.ask("task8", 2, runs)

# %% [markdown]
# ## Write
#
# Keras takes its training images from an object that has a length and items. Write one that changes the images of each
# batch. The check says what went in, what came out, what was expected, and which mistake it is if it knows it.

# %% tags=["exercise"]
from math import ceil


class Batches:
    """Images and labels in batches, as Keras asks a PyDataset for them; each batch's images go through `change`."""

    def __init__(self, x, y, size, change):
        self.x, self.y, self.size, self.change = x, y, size, change

    def __len__(self):
        """How many batches an epoch has; the last one may be smaller."""
        ### BEGIN SOLUTION
        return ceil(len(self.x) / self.size)
        ### END SOLUTION

    def __getitem__(self, number):
        """Batch `number`, from 0: changed images, and their labels."""
        ### BEGIN SOLUTION
        chosen = slice(number * self.size, (number + 1) * self.size)
        return self.change(self.x[chosen]), self.y[chosen]
        ### END SOLUTION


# %% tags=["check"]
check.exercise(Batches)

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
# Training gets harder, so a lower training curve alone is no improvement. Only the validation images can show one, by
# the paired test and by the loss, and the exam more surely than they. Unlike dropout,
# augmentation adds knowledge: it tells the network which changes do not matter.
#
# </details>

# %% [markdown]
# The numbers behind it, computed from the runs above:

# %%
widgets.show_evidence(verdicts)

# %% [markdown]
# ## Summary
#
# - Augmentation is knowledge about what does not matter, given in pictures.
# - A narrower gap can come from above alone; whether validation is lifted must be tested.
# - Validation images stay as they are, and what the changes cost in time is measured, not guessed.
#
# Next: [Task 9](task9.ipynb) puts everything together.
