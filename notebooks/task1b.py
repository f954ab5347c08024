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
# # Task 1B: Learning rates
#
# A melanoma and a harmless nevus can look alike. VGG16, a network of thirteen convolutions, learns to tell them apart
# three times: each time with another **learning rate**, and with nothing else changed.
#
# At the end you will be able to say
#
# - what a learning rate that is too high, and one that is too low, look like in learning curves
# - why the lowest validation loss and the best validation accuracy need not come from the same epoch
# - how much of a difference between two accuracies could be chance
#
# With the stored runs it takes seconds to run, a run of your own on the small network less than a minute, and half an
# hour to think through. The [index](index.ipynb) says what training everything here would take.

# %% [markdown]
# ## Parameters
#
# The settings of the lab report. Change one and run the notebook again, or give it on the command line: `papermill
# task1b.ipynb out.ipynb -p lr 1e-5`.

# %% tags=["parameters"]
lr: list = [1e-4, 1e-5, 1e-6]  # learning rate: one number above 0 and at most 1, or a list of them
n_epoch: int = 100  # epochs (passes over the training images), a whole number from 1
batch_s: int = 8  # images per training step, a whole number from 1
n_base: int = 8  # filters of the first block, from 1; the later blocks have up to eight times as many
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
from labutils.config import as_list, scientific
from labutils.course import check, widgets
from labutils.data import load_dataset

parameters.check(globals())
skin = load_dataset("skin", image_size, channels, source, n_train, n_val)
print(skin.banner())

# %% [markdown]
# The lines above say whose images these are, how many of each class, and what is known about them. The lab's own images
# are not public: unless you put them into `data/`, you work with *phantoms*, lesions drawn by a program. On them one
# learns how to judge a network; no result on them says anything about patients, and where the same was trained on real
# images, a table below says which conclusions are others there. The share of the largest class is the accuracy to beat:
# a network that always gives that answer reaches it.

# %% [markdown]
# ## Predict
#
# Commit to an answer before you see anything. Nothing is graded; the notebook comes back to it.

# %% tags=["predict"]
course.ask("task1b", 1)

# %% [markdown]
# ## Look
#
# Dermatologists speak of the ABCD rule: **a**symmetry, **b**order, **c**olour, **d**iameter. Here are twenty validation
# images without their labels: judge them yourself (keys *1* and *2*, or the buttons), and see how you do beside the
# network.

# %%
rival = training.find(
    skin.run(
        model="vgg16", learning_rate=1e-5, epochs=n_epoch, n_base=n_base, seed=seed
    ),
    skin,
    at_least=1,
)
widgets.against_network(rival, skin)

# %% [markdown]
# ## Play
#
# The learning rate is the size of the step that the optimizer takes against the gradient. Adam adapts the step for
# every weight, but the rate remains the scale of all of them. Choose a rate for a small LeNet on small images, and
# train: find a rate that stalls, one that learns, one that over-fits, and one that never recovers.

# %%
widgets.playground("task1b")

# %% [markdown]
# A small network on 400 images shows in seconds what a large one shows in an hour: the kinds of curves are the same,
# the numbers are not.

# %% [markdown]
# ## The evidence
#
# Now VGG16, in plain Keras: five blocks of convolutions, each followed by max-pooling, then the dense part.

# %% tags=["nbval-ignore-output"]
keras, layers = training.import_keras(), training.import_keras().layers
vgg = keras.Sequential([keras.Input((image_size, image_size, channels))])
for multiple, convolutions in ((1, 2), (2, 2), (4, 3), (8, 3), (8, 3)):
    for _ in range(convolutions):
        vgg.add(layers.Conv2D(multiple * n_base, 3, padding="same", activation="relu"))
    vgg.add(layers.MaxPooling2D(2))
vgg.add(layers.Flatten())
for units in (64, 64):
    vgg.add(layers.Dense(units, activation="relu"))
vgg.add(layers.Dense(skin.outputs, activation=skin.activation))
vgg.summary()

# %% [markdown]
# Compile it, and fit it to a few images: that is all that training is. (Eagerly, one operation after the other: making
# a graph of them first pays off over many steps only.) The rest of the lab is about doing it so that the result can
# be believed.

# %% tags=["nbval-ignore-output"]
vgg.compile(
    keras.optimizers.Adam(1e-4),
    "binary_crossentropy",
    metrics=["accuracy"],
    run_eagerly=True,
)
vgg.fit(skin.x_train[::25], skin.y_train[::25], batch_size=batch_s, verbose=0).history

# %% [markdown]
# `RunConfig` writes the same network down in one line, together with everything else that determines a run; `skin.run`
# fills in what the images know.

# %%
configs = {
    f"lr {scientific(rate)}": skin.run(
        model="vgg16",
        learning_rate=rate,
        epochs=n_epoch,
        batch_size=batch_s,
        n_base=n_base,
        dropout=dropout,
        seed=seed,
    )
    for rate in as_list(lr)
}

# %%
training.same_network(
    vgg,
    skin.run(model="vgg16", learning_rate=1e-4, epochs=n_epoch, n_base=n_base),
    skin.n_classes,
)

# %% [markdown]
# Three runs, alike in everything but the rate: same initial weights, same order of the images. What is stored is read
# from `results/runs`; what is not says what it would cost.

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
# Read each column from left to right. Does the training loss fall, and how fast? Does the validation loss follow it, or
# does it turn upwards while the training loss goes on falling? From that point on the network learns its training
# images by heart: it *over-fits*.

# %%
plots.compare_curves(runs)

# %%
widgets.beside_the_lab(runs, "task1b")

# %% [markdown]
# The report quotes the best validation accuracy over all epochs, and one loss without saying which. Here are both: the
# lowest validation loss, and the loss at the epoch of the best accuracy. The brackets are 95 % intervals after Wilson.

# %%
audit.run_table(runs, skin, task="task1b")

# %% [markdown]
# The best of a hundred epochs is picked *because* it did well on these very images, so it flatters every run. All runs
# were judged on the same images, so they can be compared image by image: McNemar's test asks whether, of the images
# that exactly one of the two gets right, one network wins more often than a fair coin would.

# %%
evaluate.paired_table(runs)

# %% [markdown]
# One seed and the images that chose the epoch: the other way to ask is on the exam, with every seed that is stored.

# %%
seeds = evaluate.with_seeds(runs)
evaluate.exam_table(seeds)

# %% [markdown]
# The conclusions of the report. *What the lab could know* judges as the report could have: its validation images, one
# seed. *What holds for these images* judges on an exam on which no network and no epoch was chosen, over all seeds that are
# stored. The rules, folded below the table, say when a difference counts.

# %%
verdicts = evaluate.judge_task(runs, "task1b")
evaluate.verdict_table(verdicts)

# %% [markdown]
# How far does this carry? The same settings were trained on photographs of real lesions, which are not part of the lab,
# and judged by the same rules. There is no exam for them, and one seed.

# %%
evaluate.real_table(verdicts)

# %% [markdown]
# Their curves, to be read as those above:

# %%
plots.real_curves("task1b")

# %% [markdown]
# What do these numbers say? The sentences are chosen from them, by code: of the run that is shown, and of all seeds that
# are stored.

# %%
evaluate.tell("rate", seeds)
evaluate.tell("started", seeds.get("lr 1e-6"))

# %% [markdown]
# ## Explore
#
# Every epoch's predictions are stored. Move through the epochs: which images change their class as the network learns,
# and what does that do to the confusion matrix, the ROC curve and the calibration?

# %%
widgets.epoch_scrubber(runs, skin)

# %% [markdown]
# How would you have found the rate without three long runs? The range test raises the rate step by step during one
# short training and watches the loss (Smith 2017).

# %%
widgets.lr_range_test()

# %% tags=["predict"]
course.ask("task1b", 2, runs)

# %% [markdown]
# ## Write
#
# From which epoch on does a run over-fit? Write a function that reads it from the validation losses. The check says
# what went in, what came out, what was expected, and which mistake it is if it knows it.


# %% tags=["exercise"]
def overfitting_epoch(val_loss, climb=0.02):
    """The epoch, counted from 1, from which on the validation loss stays above its minimum + climb to the end.

    None if the last epoch is not above it.
    """
    ### BEGIN SOLUTION
    limit = min(val_loss) + climb
    within = [epoch for epoch, loss in enumerate(val_loss, start=1) if loss <= limit]
    return None if within[-1] == len(val_loss) else within[-1] + 1
    ### END SOLUTION


# %% tags=["check"]
check.exercise(overfitting_epoch)

# %% [markdown]
# ## Answer
#
# **Question.** Which of the three learning rates would you choose, and what in the curves rules out the other two?
# Would you trust your choice if the three accuracies were all you knew?

# %% [markdown] tags=["answer"]
# *Your answer:*

# %% [markdown] tags=["reference"]
# When you have written yours, open ours.
#
# <details><summary><b>Reference answer</b></summary>
#
# A rate that is much too high would show as a loss that jumps about, or never comes down. A rate that is too low shows
# as curves that still fall, slowly, when the epochs are over: the run is unfinished. Over-fitting is neither: a faster
# run may only have too many epochs. So the choice is a rate *and* a number of epochs, and the place to stop is the
# lowest validation loss. Which rate is better when each is stopped there is for the exam and all seeds to say: the
# sentences above say whether it can be told. The accuracies alone do not show this: the best epoch hides what comes
# after it, and a few points on so few images may be chance.
#
# </details>

# %% [markdown]
# The numbers behind it, computed from the runs above:

# %%
widgets.show_evidence(verdicts)

# %% [markdown]
# ## Summary
#
# - Too high a rate does not come down, too low a rate does not arrive: both are read from the curves before any table.
# - The loss sees how sure a network is of its errors, the accuracy only counts them: their best epochs differ.
# - A few points of accuracy on a few hundred images are within chance: intervals and paired tests say how far.
#
# Next: [Task 1C](task1c.ipynb) keeps the rate and changes the network.
