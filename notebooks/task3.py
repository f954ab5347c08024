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
# # Task 3: How do you know that a result is reliable?
#
# **The same network was trained on skin lesions and on fractures. Is it better on one of them? And can forty numbers
# that anyone can compute beat it? How would you notice?**
#
# At the end you will be able to
#
# - choose an epoch honestly, and bootstrap an interval, by hand
# - tell a result from its images, its seed and its epoch
# - say what more images would change, and what a simple model reaches

# %% [markdown]
# ## Parameters
#
# The settings of the lab report, folded. To run with another: `papermill task3.ipynb out.ipynb -p n_epoch 50`.

# %% jupyter={"source_hidden": true} tags=["parameters"]
lr: float = 1e-5  # learning rate, above 0 and at most 1
n_epoch: int = 100  # epochs (passes over the training images), a whole number from 1
batch_s: int = 8  # images per training step, a whole number from 1
n_base: int = 8  # filters of the first block, from 1; later blocks have a multiple of it
dropout: float = 0.0  # share of the dense layers' units left out in a step, at least 0 and below 1
seeds: list = [0, 1, 2]  # seeds of the repeated Skin runs; the first is that of all other runs
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
bone = load_dataset("bone", image_size, channels, source, n_train, n_val)
print(skin.banner(), bone.banner(), sep="\n")

# %% [markdown]
# ## Predict
#
# The best epoch of a hundred, judged on the images that chose it.

# %% tags=["predict", "revealed-by-curves"]
course.ask("task3", 1)

# %% [markdown]
# ## Look
#
# By what, beside the disease, are the classes told apart? The darkest and the brightest.
# *Mel*: melanoma, *Nev*: mole; on Bone, *AFF*: atypical fracture, *NFF*: ordinary.

# %%
plots.extremes(skin, "brightness")

# %% [markdown]
# ## The evidence
#
# The runs are those of Tasks 1B and 2: VGG16 with eight filters, on each of the two data sets.

# %%
settings = {"epochs": n_epoch, "batch_size": batch_s, "n_base": n_base}
settings |= {"learning_rate": lr, "dropout": dropout, "seed": seeds[0]}
configs = {
    name: images.run(model="vgg16", **settings)
    for name, images in {"Skin": skin, "Bone": bone}.items()
}

# %% tags=["nbval-ignore-output"]
options = {
    "reuse": reuse,
    "train_missing": train_missing,
    "on_epoch": plots.live_curves(configs),
}
runs = training.train_all(configs, skin, bone, **options)

# %% tags=["curves"]
plots.learning_curves(runs, said=course.said("task3", 1))

# %% [markdown]
# ### First half: how sure?

# %% tags=["predict", "revealed-by-bootstrap"]
course.ask("task3", 2)

# %% [markdown]
# **The images.** Where could the accuracy have been with others? Draw as many from those there are, with
# replacement, a thousand times: a *bootstrap*, whose middle 95 % is an interval.

# %% tags=["bootstrap"]
import numpy as np

course.remind("task3", 2)
rng = np.random.default_rng(0)
right = (runs["Skin"].val_predictions[:, :, 0] > 0.5) == runs["Skin"].y_val
best = right[right.mean(axis=1).argmax()]  # the best epoch: one answer an image
drawn = [rng.choice(best, len(best)).mean() for _ in range(1000)]
low, high = np.quantile(drawn, [0.025, 0.975])
print(f"Skin: {best.mean():.3f}, by bootstrap [{low:.3f}, {high:.3f}]")

# %% [markdown]
# **The choice of the epoch.** The best of all epochs is reported for the images that chose it. The price can be
# measured: choose on one half of them, and read the accuracy from the other half, many times.

# %%
honest = []
for _ in range(1000):
    order = rng.permutation(right.shape[1])
    one_half, other_half = order[::2], order[1::2]
    epoch = right[:, one_half].mean(axis=1).argmax()
    honest.append(right[epoch, other_half].mean())
print(f"Skin: best epoch {best.mean():.3f}, honestly chosen {np.mean(honest):.3f}")

# %% [markdown]
# All stored runs at their best epochs, against the exam:

# %%
plots.validation_against_exam(evaluate.flattery("skin"))

# %% [markdown]
# **The seed, and an effect.** The seed decides initial weights and the order of the images. Whatever is smaller than
# what it moves was not shown by one run. Here AlexNet without and with dropout, as in Task 5A: an effect need not show
# in every pair of runs to be real, and need not be real because it shows in one.

# %% tags=["nbval-ignore-output"]
fast = configs["Skin"].with_(
    model="alexnet", learning_rate=round(10 * lr, 12), epochs=max(1, n_epoch // 2)
)
effect = {
    f"{name}, seed {seed}": fast.with_(dropout=rate, seed=seed)
    for name, rate in {"no dropout": 0.0, "dropout 0.4": 0.4}.items()
    for seed in seeds
}
effect_runs = training.train_all(effect, skin, **options)

# %%
plots.accuracy_intervals(evaluate.group_seeds(effect_runs))

# %% [markdown]
# ### Second half: whose images?
#
# The **audit** counts, looks for copies of training images among the others, and measures how far one gets *without*
# looking at the lesion.

# %%
audit.audit(skin)

# %% [markdown]
# Forty simple numbers of each image with a linear model or a forest: beating the better one is the first thing that a
# network has to show. On phantoms there is a ceiling too: a reader who knows every drawn sign.

# %%
more = {
    "Simple models, Skin": audit.baseline_table(skin),
    "Simple models, Bone": audit.baseline_table(bone),
    "Phantoms beside real images": audit.truth_table(configs["Skin"]),
}
evaluate.card(runs, skin, bone, task="task3", more=more)

# %% [markdown]
# The signs of drawn lesions are textures, which six rings of the Fourier transform measure alone; a fracture is a shape
# at some place. A network has to find the texture first. What would more images do?

# %%
audit.tell_simple(runs, skin, bone, task="task3", sees="FFT rings")
plots.accuracy_by_images(audit.growth())

# %% [markdown]
# ## Write
#
# How far can an accuracy be trusted? Write a function that gives its interval after Wilson.

# %% tags=["exercise"]
from math import sqrt


def wilson(successes, n, z=1.96):
    """Wilson's interval of a proportion: its lower and its upper end.

    centre = (p + z² / 2n) / (1 + z² / n), half width = z sqrt(p (1 - p) / n + z² / 4n²)
    / (1 + z² / n).
    """
    ### BEGIN SOLUTION
    p = successes / n
    below = 1 + z**2 / n
    centre = (p + z**2 / (2 * n)) / below
    half = z * sqrt(p * (1 - p) / n + z**2 / (4 * n**2)) / below
    return centre - half, centre + half
    ### END SOLUTION


# %% tags=["check"]
check.exercise(wilson)

# %% [markdown]
# ## Answer
#
# **Question.** Bone is classified better than Skin, the report concludes. List what had to be checked before believing
# it, and say for each whether it was checked in the report, here, or nowhere.

# %% [markdown] tags=["answer"]
# *Your answer (double-click to write):*

# %% [markdown] tags=["reference"]
# When you have written yours, open ours.
#
# <details><summary><b>Reference answer</b></summary>
#
# Checked here and not in the report: intervals, and a test between the two; the spread over seeds; copies between
# training and validation images; what a simple model reaches; how much choosing the epoch flatters. On phantoms the
# comparison is a statement about two drawing programs, whose ceilings are known. Checked nowhere: whether the images
# come from the patients one would meet, and from one clinic or many.
#
# </details>

# %% [markdown]
# ## Summary
#
# - An interval and an honest choice of the epoch are a few lines each.
# - Images, seed and choice can each make a result that is not there.
# - A network that does not beat forty simple numbers has not shown that it is needed; more images may change that.
#
# Next: [Task 4](task4.ipynb) has nine classes, and an accuracy that flatters.

# %% [markdown] jp-MarkdownHeadingCollapsed=true
# ## Going further
#
# Optional: rare diseases, a study drawn again and again, McNemar's test.

# %% [markdown]
# What do probabilities mean where a disease is rare? Set the threshold, and the *prevalence*: how common it is.

# %%
widgets.threshold(runs.get("Skin"))

# %% [markdown]
# Draw a new study of runs that are all equally good. How much better does the winner look than it is?

# %%
widgets.winners_curse()

# %% [markdown]
# Could the difference of two networks on the same images be chance? Write McNemar's exact test.

# %% tags=["exercise"]
from math import comb


def mcnemar(only_a, only_b):
    """McNemar's exact test: the two-sided p of this split, or a more uneven one, among the
    images that differ.

    only_a images are right in A alone, only_b in B alone; by chance each falls to
    either side with probability 1/2.
    """
    ### BEGIN SOLUTION
    n, smaller = only_a + only_b, min(only_a, only_b)
    tail = sum(comb(n, k) for k in range(smaller + 1)) / 2**n
    return min(1.0, 2 * tail)
    ### END SOLUTION


# %% tags=["check"]
check.exercise(mcnemar)
