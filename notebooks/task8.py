# ---
# jupyter:
#   jupytext:
#     cell_metadata_filter: tags,-all
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
# A large AlexNet, 64 filters in its first block, with batch normalization and dropout, is trained twice: on a thousand images
# as they are, and on the same images **changed at random in every epoch**.
#
# At the end you will be able to say
#
# - what augmentation does to the training curve and to the validation curve,
# - why it is more than dropout under another name,
# - what it costs in time.
#
# With the stored runs it takes seconds to run and about half an hour to think through; the [index](index.ipynb) says what
# training everything here would take.

# %% [markdown]
# ## Parameters
#
# The settings of the lab report. Change one and run the notebook again, or give it on the command line:
# `papermill task8.ipynb out.ipynb -p rotation 180`.

# %% tags=["parameters"]
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

from labutils import augment, evaluate, plots, training, widgets
from labutils.config import Augmentation, RunConfig
from labutils.data import load_dataset

skin = load_dataset("skin", image_size, channels, source=source, n_train=n_train, n_val=n_val)
print(skin.banner())

# %% [markdown]
# The report used colour images of 224 pixels for this task. The question asks for no size, so the default is as everywhere;
# `image_size` and `channels` are parameters.

# %% [markdown]
# ## Look at the data
#
# Six training images, three of each class: the upper row as they are, the lower row as one epoch of augmentation makes them.

# %%
changes = Augmentation(rotation=rotation, shift=shift, horizontal_flip=horizontal_flip)
chosen = [i for label in (0, 1) for i in np.flatnonzero(skin.y_train == label)[:3]]
batch = skin.x_train[chosen]
changed = augment.augment_batch(batch, changes, [[seed, i] for i in range(len(batch))])
names = [skin.class_names[label] for label in skin.y_train[chosen]]
plots.images_row([*batch, *changed], [*names, *(f"{name}, changed" for name in names)], f"Skin ({skin.source})")

# %% [markdown]
# Are the lower images still what their labels say? If you can tell that an image was changed, so can the network: repeated
# edges are a trace that real images do not have.

# %% [markdown]
# ## The experiment
#
# One switch: augmentation off and on. Validation images are never changed.

# %%
base = RunConfig(
    dataset="skin", model="alexnet", dense=(128, 64), batch_norm=True, learning_rate=lr, epochs=n_epoch,
    batch_size=batch_s, n_base=n_base, dropout=dropout, image_size=image_size, channels=channels,
    n_train=n_train, n_val=n_val, seed=seed,
)  # fmt: skip
configs = {"no augmentation": base, "augmentation": base.with_(augmentation=changes)}

# %%
evaluate.network_table(configs, skin.n_classes)

# %% [markdown]
# Millions of parameters for a thousand images: there is room to learn all of them by heart.

# %% tags=["nbval-ignore-output"]
runs = training.train_all(configs, skin, reuse=reuse, train_missing=train_missing, on_epoch=plots.live_curves())

# %%
plots.learning_curves(runs)

# %% [markdown]
# With augmentation the network never sees the same picture twice, so its training accuracy is a kind of validation accuracy.
# Is the gap between the two lines smaller, and at whose expense?

# %%
plots.compare_curves(runs)

# %% [markdown]
# What did it cost? Rows from different machines cannot be compared.

# %% tags=["nbval-ignore-output"]
evaluate.time_table(runs)

# %% [markdown]
# ## Result
#
# The report shows one curve here and no number.

# %%
evaluate.run_table(runs)

# %%
evaluate.gap_table(runs)

# %%
evaluate.paired_table(runs)

# %%
verdicts = evaluate.judge_all(runs, "task8")
evaluate.verdict_table(verdicts)

# %% [markdown]
# ## Explore
#
# Choose a run and move through its epochs: which one stays honest about what it does not know?

# %% tags=["nbval-ignore-output"]
widgets.explore_epochs(plots.reliability, runs)

# %% [markdown]
# The first run at its best epoch, without a control:

# %%
widgets.show_first(plots.reliability, runs)

# %% [markdown]
# ## Answer
#
# **Question.** Does augmentation improve validation, or does it only make training harder? How would you tell the two apart?

# %% [markdown]
# *Your answer:*

# %% [markdown]
# When you have written yours, open ours.
#
# <details><summary><b>Reference answer</b></summary>
#
# Both: the training images are harder, so the training curve is lower, and a network that cannot learn pictures by
# heart has to learn what they have in common, so the validation curve should be higher or stay up for longer. Only the
# second is an improvement, and only the validation images can show it, by the paired test and by the loss. Unlike
# dropout, augmentation adds knowledge: it tells the network which changes do not matter.
#
# </details>

# %% [markdown]
# And the numbers behind it, computed from the runs above:

# %%
widgets.show_evidence(verdicts)

# %% [markdown]
# ## Summary
#
# - Augmentation is knowledge about what does not matter, given in pictures.
# - It narrows the gap from above; whether it lifts validation must be tested.
# - Validation images stay as they are, and what the changes cost in time is measured, not guessed.
#
# Next: [Task 9](task9.ipynb) puts everything together.
