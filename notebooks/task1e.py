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
# # Task 1E: Three networks on equal terms
#
# LeNet, AlexNet and VGG16 have two, five and thirteen convolutions. This notebook puts them side by side **on equal
# terms**: same images, same learning rate, same number of epochs, eight filters in the first block.
#
# At the end you will be able to say
#
# - what "deeper" means in layers, parameters, operations and receptive field
# - how a loss is judged, and why it says more than an accuracy
# - how over-fitting shows, and which means there are against it
#
# With the stored runs it takes seconds to run, a run of your own on the small network less than a minute, and half an
# hour to think through. The [index](index.ipynb) says what training everything here would take.

# %% [markdown]
# ## Parameters
#
# The settings of the lab report. Change one and run the notebook again, or give it on the command line: `papermill
# task1e.ipynb out.ipynb -p n_base 16`.

# %% tags=["parameters"]
lr: float = 1e-5  # learning rate, above 0 and at most 1
n_epoch: int = 100  # epochs (passes over the training images), a whole number from 1
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
# Every network gets these images in the same order, from the same seed.

# %% [markdown]
# ## Predict
#
# Two, five and thirteen convolutions, a hundred epochs each.

# %% tags=["predict"]
course.ask("task1e", 1)

# %% [markdown]
# ## Look
#
# The least and the most symmetric pictures. How large a part of the picture do you need to see in order to judge its
# symmetry? Keep the answer in mind for the *receptive field*: the part of the image that one position after the last
# max-pooling depends on.

# %%
plots.extremes(skin, "asymmetry")

# %% [markdown]
# ## Play
#
# Train the three small networks, for equal epochs or for equal time. Is the order the same?

# %%
widgets.playground("task1e")

# %% [markdown]
# ## The evidence
#
# LeNet, the smallest, in plain Keras: ten lines.

# %% tags=["nbval-ignore-output"]
keras, layers = training.import_keras(), training.import_keras().layers
lenet = keras.Sequential([keras.Input((image_size, image_size, channels))])
for multiple in (1, 2):
    lenet.add(layers.Conv2D(multiple * n_base, 3, padding="same", activation="relu"))
    lenet.add(layers.MaxPooling2D(2))
lenet.add(layers.Flatten())
lenet.add(layers.Dense(128, activation="relu"))
lenet.add(layers.Dense(skin.outputs, activation=skin.activation))
lenet.compile("adam", "binary_crossentropy", metrics=["accuracy"])
lenet.summary()

# %%
vgg16 = skin.run(
    model="vgg16", learning_rate=lr, epochs=n_epoch, batch_size=batch_s, n_base=n_base, dropout=dropout, seed=seed
)
configs = {"LeNet": vgg16.with_(model="lenet"), "AlexNet": vgg16.with_(model="alexnet"), "VGG16": vgg16}
training.same_network(lenet, configs["LeNet"], skin.n_classes)

# %%
evaluate.network_table(configs, skin.n_classes)

# %% [markdown]
# Read the table from the bottom up. The deepest network does the most work per image; the shallowest has by far the
# most parameters. LeNet halves the image only twice, so its dense layer receives a large map and needs a weight for
# every field.

# %% tags=["nbval-ignore-output"]
runs = training.train_all(configs, skin, reuse=reuse, train_missing=train_missing, on_epoch=plots.live_curves(configs))

# %%
plots.learning_curves(runs)

# %% [markdown]
# The dotted line is guessing. How long does each network stay there, and what does it do once it has left it? Is it the
# deepest that starts last? Where it is, its initialization has a part in that, not only its depth (He 2015).

# %%
plots.compare_curves(runs)

# %%
widgets.beside_the_lab(runs, "task1e")

# %% [markdown]
# The report discusses this comparison without numbers, so that ours stand alone.

# %%
audit.run_table(runs, skin)

# %%
evaluate.gap_table(runs)

# %%
for name, run in runs.items():
    evaluate.tell("over-fitting", run, label=name)

# %%
evaluate.tell("depth", runs)

# %%
evaluate.paired_table(runs)

# %% [markdown]
# One seed and the images that chose the epoch: the other way to ask is on the exam, with every seed that is stored.

# %%
evaluate.exam_table(evaluate.with_seeds(runs))

# %% [markdown]
# What did each of them cost in time? Only rows from the same machine can be compared.

# %% tags=["nbval-ignore-output"]
evaluate.time_table(runs)

# %% [markdown]
# The conclusions of the report. *What the lab could know* judges as the report could have: its validation images, one
# seed. *What holds for these images* judges on an exam on which no network and no epoch was chosen, over all seeds that are
# stored. The rules, folded below the table, say when a difference counts.

# %%
verdicts = evaluate.judge_task(runs, "task1e")
evaluate.verdict_table(verdicts)

# %% [markdown]
# How far does this carry? The same settings were trained on photographs of real lesions, which are not part of the lab,
# and judged by the same rules. There is no exam for them, and one seed.

# %%
evaluate.real_table(verdicts)

# %% [markdown]
# Their curves, to be read as those above:

# %%
plots.real_curves("task1e")

# %% [markdown]
# Areas under the ROC curve, recall per class and the Brier score (the mean squared distance between probability and
# truth) judge the same predictions in other ways.

# %%
evaluate.quality_table(runs)

# %% [markdown]
# ## Explore
#
# Equal epochs are not equal time. Choose how long each network may train, and see what it has reached by then.

# %%
widgets.equal_time(runs)

# %% tags=["predict"]
course.ask("task1e", 2, runs)

# %% [markdown]
# ## Write
#
# The three networks differ in their blocks, and in little else. Write the function that builds any of them from a list:
# then "on equal terms" is one line. The check says which layer is another one, and trains a small one for some seconds.

# %% tags=["exercise"]
import keras
from keras import layers


def build_blocks(side, blocks, units):
    """A network for grey images of side x side pixels, with an Input, not compiled.

    A block is (filters, convolutions): so many 3x3 convolutions with same padding, each with ReLU, then one 2x2
    max-pooling. Behind the blocks come a dense layer of that many units with ReLU, and one output with a sigmoid.
    """
    ### BEGIN SOLUTION
    network = keras.Sequential([keras.Input((side, side, 1))])
    for filters, convolutions in blocks:
        for _ in range(convolutions):
            network.add(layers.Conv2D(filters, 3, padding="same", activation="relu"))
        network.add(layers.MaxPooling2D())
    network.add(layers.Flatten())
    network.add(layers.Dense(units, activation="relu"))
    network.add(layers.Dense(1, activation="sigmoid"))
    return network
    ### END SOLUTION


# %% tags=["check"]
check.exercise(build_blocks)

# %% [markdown]
# ## Answer
#
# **Question.** Which of the three would you choose, and why? How do you judge a loss: what is a good value, and what
# does its course tell you? Name the means against over-fitting that you know, and what each does.

# %% [markdown] tags=["answer"]
# *Your answer:*

# %% [markdown] tags=["reference"]
# When you have written yours, open ours.
#
# <details><summary><b>Reference answer</b></summary>
#
# Depth buys a larger receptive field, at the price of more work per image; whether also of a slower start, the curves
# say. We would choose the network that the tests place first, and where they place none, the one that costs least. A
# loss is judged against guessing (ln 2 for two balanced classes) and by its course: falling on both sets is learning,
# falling on one and rising on the other is memorizing. Against over-fitting help more images or augmented ones, fewer
# parameters, dropout, and stopping at the lowest validation loss. The tables above say how much of this the three
# networks show here; the tests say how sure that is.
#
# </details>

# %% [markdown]
# The numbers behind it, computed from the runs above:

# %%
widgets.show_evidence(verdicts)

# %% [markdown]
# ## Summary
#
# - Depth is measured in layers, receptive field and work; the number of parameters may run the other way.
# - A loss sees over-fitting earlier than an accuracy.
# - A choice between networks needs intervals, and paired tests.
#
# Next: [Task 2](task2.ipynb) takes VGG16 to another kind of image.
