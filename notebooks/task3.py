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
# # Task 3: Skin against Bone: how reliable is a result?
#
# The same network was trained on skin lesions and on fractures. It does better on one of them. **How do you know?** This is
# the notebook about that question. Its only new runs are settings of other notebooks with other seeds; otherwise it takes
# runs apart.
#
# At the end you will be able to say
#
# - what an accuracy on a few hundred images is worth,
# - how much of a result is the seed, and how much the network,
# - how to find out whether a data set gives its answers away,
# - whether a network's probabilities mean what they say.

# %% [markdown]
# ## Parameters
#
# The settings of the lab report. Change one and run the notebook again, or give it on the command line:
# `papermill task3.ipynb out.ipynb -p n_epoch 50`.

# %% tags=["parameters"]
lr: float = 1e-5  # learning rate, above 0 and at most 1
n_epoch: int = 100  # epochs (passes over the training images), a whole number from 1
batch_s: int = 8  # images per training step, a whole number from 1
n_base: int = 8  # filters of the first block, from 1; later blocks have a multiple of it
dropout: float = 0.0  # share of the dense layers' units left out in a step, at least 0 and below 1
seeds: list = [0, 1, 2]  # seeds of the repeated Skin runs; the first is that of all other runs
image_size: int = 128  # side of the images in pixels, 32 to 1024
n_train: int = None  # training images, a whole number from 2; None takes all
n_val: int = None  # validation images, a whole number from 2; None takes all
source: str = "auto"  # images: course, public, phantom, or auto for the first of them that is there
reuse: bool = True  # False trains anew even what is stored
train_missing: bool = False  # True trains runs of the lab that are not stored yet

# %% [markdown]
# ## Setup

# %%
from labutils import evaluate, plots, report, training, widgets
from labutils.config import RunConfig
from labutils.data import load_dataset
from labutils.data.audit import audit
from labutils.evaluate import lab

wanted = {"source": source, "n_train": n_train, "n_val": n_val}
skin = load_dataset("skin", image_size, **wanted)
bone = load_dataset("bone", image_size, **wanted)
print(skin.banner(), bone.banner(), sep="\n")

# %% [markdown]
# Two data sets, each with a training set and a validation set of its own.

# %% [markdown]
# ## Look at the data
#
# A result can be no better than its images. Look for anything, beside the disease, by which the classes could be told apart.

# %%
plots.sample_grid(skin, n=8)

# %%
plots.sample_grid(bone, n=8)

# %% [markdown]
# Eyes are good at finding a shortcut in ten images and bad at finding one in a thousand. That is what the **audit** is for:
# it counts, looks for copies, above all for copies of training images among the validation images, and measures how far one
# gets *without* looking at the lesion.

# %%
audit(skin)

# %%
audit(bone)

# %% [markdown]
# Read the rows about shortcuts as a floor: a network must beat the score of mean brightness, of image size and of sixteen by
# sixteen grey pixels before it has shown that it understands anything. A real example: in the public archive that many skin
# data sets come from, one group of nevi was taken with other cameras, and the mean colour alone separates it from melanomas
# almost perfectly. A network trained on it learns cameras.

# %% [markdown]
# ## The experiment
#
# The runs are those of Task 1B and Task 2: VGG16 with eight filters, on each of the two data sets.

# %%
base = RunConfig(
    dataset="skin", model="vgg16", learning_rate=lr, epochs=n_epoch, batch_size=batch_s, n_base=n_base,
    dropout=dropout, image_size=image_size, n_train=n_train, n_val=n_val, seed=seeds[0],
)  # fmt: skip
configs = {"Skin": base, "Bone": base.with_(dataset="bone")}

# %% tags=["nbval-ignore-output"]
options = {"reuse": reuse, "train_missing": train_missing, "on_epoch": plots.live_curves()}
runs = training.train_all({"Skin": configs["Skin"]}, skin, **options)
runs |= training.train_all({"Bone": configs["Bone"]}, bone, **options)

# %%
plots.learning_curves(runs)

# %% [markdown]
# Two data sets, so the columns have different images behind them: compare shapes, not single epochs.

# %% [markdown]
# ## Result
#
# First the numbers as the report gives them, beside ours.

# %%
evaluate.run_table(runs, lab.reported("task3"))

# %% [markdown]
# ### How much is chance?
#
# The bracket behind each accuracy is its 95 % interval after Wilson (1927). It answers: had we drawn other validation images
# of the same kind, where could the accuracy have been? It depends on the number of images more than on anything else.

# %%
plots.accuracy_intervals(runs, lab.reported("task3"))

# %% [markdown]
# A paired test is of no use here: the two runs were judged on different images. The verdict below therefore uses Fisher's
# exact test for two independent groups.

# %%
verdicts = evaluate.judge_all(runs, "task3")
evaluate.verdict_table(verdicts)

# %% [markdown]
# ### How much is the seed?
#
# The seed decides the initial weights and the order of the images, and nothing that anybody would call a property of the
# network. Runs that differ in the seed alone show how much a single number moves by itself.

# %% tags=["nbval-ignore-output"]
repeated = {f"seed {seed}": base.with_(seed=seed) for seed in seeds}
seed_runs = training.train_all(repeated, skin, **options)

# %%
evaluate.seed_table({"Skin": list(seed_runs.values())} if seed_runs else {})

# %%
plots.learning_curves({"Skin": list(seed_runs.values())} if seed_runs else {})

# %% [markdown]
# Compare the spread over seeds with the differences between settings in Tasks 1B to 1D. Whatever is smaller than the spread
# was not shown by a single run, however exact its decimals look.

# %%
evaluate.paired_table(seed_runs)

# %% [markdown]
# ### Is an effect larger than the seed?
#
# That is the question behind every comparison in this lab. One of them is answered here in full: AlexNet without dropout and
# with it, as Task 5A will compare them, but with each of the seeds. What dropout does is done in every row of its kind or it
# is not dropout that does it.

# %%
fast = base.with_(model="alexnet", learning_rate=round(10 * lr, 12), epochs=max(1, n_epoch // 2))
effect = {
    f"{name}, seed {seed}": fast.with_(dropout=rate, seed=seed)
    for name, rate in {"no dropout": 0.0, "dropout 0.4": 0.4}.items()
    for seed in seeds
}

# %% tags=["nbval-ignore-output"]
effect_runs = training.train_all(effect, skin, **options)

# %%
evaluate.gap_table(effect_runs)

# %%
evaluate.seed_table(evaluate.group_seeds(effect_runs))

# %%
plots.accuracy_intervals(evaluate.group_seeds(effect_runs))

# %% [markdown]
# Two questions, and they can have different answers. Is the *gap* between training and validation smaller with dropout in
# every row, by more than seeds move it? And is the *accuracy* higher in every row, or do the two kinds mix?

# %% [markdown]
# ### Was the epoch chosen on the same images?
#
# Yes, in the report and here: the best of all epochs on the validation images is reported for the same images. The price can
# be measured. Choose the epoch on one half of the validation images and read the accuracy from the other half, many times:
# the mean of that is what an honest choice would have given.

# %%
evaluate.choice_table(runs)

# %% [markdown]
# ### Do the probabilities mean what they say?
#
# A network that says 0.9 should be right nine times in ten. The reliability curve shows whether it is; the Brier score is
# the mean squared distance between the probability and the truth, so lower is better, and 0.25 is what saying one half gives.

# %%
evaluate.quality_table(runs)

# %%
for run in runs.values():
    plots.reliability(run)

# %% [markdown]
# ### How far do phantoms teach the truth?
#
# Phantoms are drawings. One setting was also trained on real images (a selection from HAM10000; the images are not part of
# this project, the predictions are). Three columns: the report, the phantoms, the real images.

# %%
evaluate.truth_table(report.stored_runs(base), lab.reported("task3")["Skin"])

# %% [markdown]
# If the columns are close, a lesson learned here will probably hold in a clinic's data. If they are not, the phantoms are
# easier, or harder, than life, and that is then the lesson.

# %% [markdown]
# ## Explore
#
# How many validation images would you need? Choose a number and see how wide the interval of an accuracy of 0.85 becomes.

# %% tags=["nbval-ignore-output"]
widgets.explore_number(evaluate.interval_table, "images", values=[50, 100, 200, 500, 1000, 5000], start=200)

# %% [markdown]
# For two hundred images, without a control:

# %%
evaluate.interval_table(200)

# %% [markdown]
# ## Answer
#
# **Question.** Bone is classified better than Skin, the report concludes. List what had to be checked before believing it, and say for each whether it was checked in the report, here, or nowhere.

# %% [markdown]
# *Your answer:*

# %% [markdown]
# When you have written yours, open ours.
#
# <details><summary><b>Reference answer</b></summary>
#
# Checked here and not in the report: the interval of each accuracy and a test between them; the spread over seeds;
# copies between training and validation images; shortcuts through brightness, size and coarse shape; whether the
# probabilities are calibrated; how much choosing the epoch flatters the number. Checked nowhere: whether the images
# come from the patients one would meet, from one clinic or many, and whether the labels are right. A high accuracy on
# an easy shortcut is worth less than a low one on the disease.
#
# </details>

# %% [markdown]
# And the numbers behind it, computed from the runs above:

# %%
widgets.show_evidence(verdicts)

# %% [markdown]
# ## Summary
#
# - An accuracy without an interval is half a number; the number of images decides the other half.
# - Seeds, shortcuts, copies and the choice of the epoch can each make a result that is not there.
# - A probability is a promise that can be checked.
#
# Next: [Task 4](task4.ipynb) has nine classes, and an accuracy that flatters.
