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
# # Task 2: Bone: filters and dropout
#
# A fracture of the thigh bone can be *atypical* (AFF): it runs straight across, begins on the outer side, and has to do with
# long treatment by certain drugs. A *normal* one (NFF) runs obliquely and in fragments. VGG16 learns to tell them apart,
# with 8 or 16 filters, without and with **dropout**.
#
# At the end you will be able to say
#
# - whether dropout narrows the gap between training and validation here,
# - whether that depends on the width of the network,
# - where on a radiograph the network looks.
#
# With the stored runs it takes seconds to run and about half an hour to think through; the [index](index.ipynb) says what
# training everything here would take.

# %% [markdown]
# ## Parameters
#
# The settings of the lab report. Change one and run the notebook again, or give it on the command line:
# `papermill task2.ipynb out.ipynb -p dropout 0.5`.

# %% tags=["parameters"]
lr: float = 1e-5  # learning rate, above 0 and at most 1
n_epoch: int = 100  # epochs (passes over the training images), a whole number from 1
batch_s: int = 8  # images per training step, a whole number from 1
n_base: int = 8  # filters of the first block of the narrower network; the wider has twice as many
dropout: float = 0.2  # share of the dense layers' units left out in a step, at least 0 and below 1
seed: int = 0  # decides initial weights and the order of the images, a whole number from 0
image_size: int = 128  # side of the images in pixels, 32 to 1024
n_train: int = None  # training images, a whole number from 2; None takes all
n_val: int = None  # validation images, a whole number from 2; None takes all
source: str = "auto"  # images: course, public, phantom, or auto for the first of them that is there
reuse: bool = True  # False trains anew even what is stored
train_missing: bool = False  # True trains runs of the lab that are not stored yet

# %% [markdown]
# ## Setup

# %%
from labutils import evaluate, plots, training, widgets
from labutils.config import RunConfig
from labutils.data import load_dataset
from labutils.evaluate import lab

bone = load_dataset("bone", image_size, source=source, n_train=n_train, n_val=n_val)
print(bone.banner())

# %% [markdown]
# Another data set, the same loader: radiographs of the femur, read as grey and scaled to squares.

# %% [markdown]
# ## Look at the data
#
# Find the fracture first. Does it run straight across the shaft or at a slant? Is the cortex, the bright rim, thickened at
# one side? Are there fragments?

# %%
plots.sample_grid(bone, n=8)

# %% [markdown]
# Scaling every picture to a square changes angles a little. A sign that depends on an angle must be robust against that.

# %% [markdown]
# ## The experiment
#
# Two widths, without and with dropout: four runs that differ in two settings, so that each effect can be seen twice.

# %%
base = RunConfig(
    dataset="bone", model="vgg16", learning_rate=lr, epochs=n_epoch, batch_size=batch_s, n_base=n_base,
    image_size=image_size, n_train=n_train, n_val=n_val, seed=seed,
)  # fmt: skip
configs = {}
for filters in (n_base, 2 * n_base):
    configs[f"b{filters}"] = base.with_(n_base=filters)
    configs[f"b{filters}, dropout {dropout:g}"] = base.with_(n_base=filters, dropout=dropout)

# %% tags=["nbval-ignore-output"]
runs = training.train_all(configs, bone, reuse=reuse, train_missing=train_missing, on_epoch=plots.live_curves())

# %%
plots.learning_curves(runs)

# %% [markdown]
# Compare neighbours: the first column with the second, the third with the fourth. The distance between the dashed and the
# solid line is the gap.

# %%
plots.compare_curves(runs)

# %% [markdown]
# ## Result
#
# The report shows curves for these runs, and a number for one of them.

# %%
evaluate.run_table(runs, lab.reported("task2"))

# %% [markdown]
# The gap, measured over the last epochs:

# %%
evaluate.gap_table(runs)

# %%
evaluate.paired_table(runs)

# %%
verdicts = evaluate.judge_all(runs, "task2")
evaluate.verdict_table(verdicts)

# %% [markdown]
# ### What does it look at?
#
# A radiologist would look at the fracture line and the cortex beside it. Does the network?

# %%
widgets.show_gradcam(next(iter(runs.values()), None), bone)

# %% [markdown]
# Look at the wrong ones too. Heat at the edge of the picture or on a marker letter would mean that the network uses what no
# radiologist would.

# %% [markdown]
# ## Explore
#
# Choose a run and move through its epochs. Does dropout change how sure the network is of itself?

# %% tags=["nbval-ignore-output"]
widgets.explore_epochs(plots.reliability, runs)

# %% [markdown]
# The first run at its best epoch, without a control:

# %%
widgets.show_first(plots.reliability, runs)

# %% [markdown]
# ## Answer
#
# **Question.** What does dropout do to the curves on Bone, for the narrow and for the wide network? Would you judge it by the gap, by the best accuracy or by the lowest loss?

# %% [markdown]
# *Your answer:*

# %% [markdown]
# When you have written yours, open ours.
#
# <details><summary><b>Reference answer</b></summary>
#
# Dropout makes learning by heart harder: the training curve climbs more slowly, and the gap at the end should be
# smaller, more so for the wide network, which has more room to memorize. The gap measures that most directly. The best
# accuracy hardly reacts, because it is taken where the gap was still small; the lowest loss lies between.
#
# </details>

# %% [markdown]
# And the numbers behind it, computed from the runs above:

# %%
widgets.show_evidence(verdicts)

# %% [markdown]
# ## Summary
#
# - Four runs that cross two settings show each effect twice.
# - Dropout is judged by the gap rather than by the best accuracy.
# - Heat maps are read for what should *not* be there.
#
# Next: [Task 3](task3.ipynb) asks how far any of these numbers can be trusted.
