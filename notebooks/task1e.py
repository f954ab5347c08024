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
# # Task 1E: Three networks on equal terms
#
# **Two convolutions, five, thirteen. The network with the fewest layers has the most numbers to learn. How can that be,
# and which of the three would you trust?**
#
# At the end you will be able to
#
# - write an epoch of training yourself: forward, loss, gradient, step
# - say what "deeper" means in layers, parameters, work and receptive field
# - see over-fitting, and that loss and accuracy may differ about it

# %% [markdown]
# ## Parameters
#
# The settings of the lab report, folded. To run with another: `papermill task1e.ipynb out.ipynb -p n_epoch 10`.

# %% jupyter={"source_hidden": true} tags=["parameters"]
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

# %% jupyter={"source_hidden": true}
from labutils import audit, course, evaluate, parameters, plots, training
from labutils.course import check, widgets
from labutils.data import load_dataset

parameters.check(globals())
skin = load_dataset("skin", image_size, channels, source, n_train, n_val)
print(skin.banner())

# %% [markdown]
# ## Predict
#
# Two, five and thirteen convolutions, a hundred epochs each, on the same images in the same order.

# %% tags=["predict", "revealed-by-sizes"]
course.ask("task1e", 1)

# %% [markdown]
# ## Look
#
# *Mel* is a melanoma, *Nev* a harmless mole. The least and the most symmetric pictures. How large a part of the picture
# do you need to see in order to judge its symmetry? Keep the answer in mind for the *receptive field*: the part of the
# image that one position after the last max-pooling depends on.

# %%
plots.extremes(skin, "asymmetry")

# %% [markdown]
# ## Build it
#
# LeNet, the smallest of the three, in plain Keras.

# %%
import keras
import numpy as np
from keras import layers


def build(side):
    network = keras.Sequential([keras.Input((side, side, channels))])
    for times in (1, 2):
        conv = layers.Conv2D(times * n_base, 3, padding="same", activation="relu")
        network.add(conv)
        network.add(layers.MaxPooling2D())
    network.add(layers.Flatten())
    network.add(layers.Dense(128, activation="relu"))
    network.add(layers.Dense(1, activation="sigmoid"))
    return network


# %%
small = skin.small()  # 400 images of 48 x 48 pixels
mean, spread = small.x_train.mean(), small.x_train.std()
mixed = np.random.default_rng(seed).permutation(len(small.y_train))  # not by class
x = ((small.x_train - mean) / spread)[mixed]
y = small.y_train[mixed, None]
new = (small.x_val - mean) / spread, small.y_val

# %% [markdown]
# What does `fit` do? For every batch: predict (*forward*), compare with the labels (*loss*), ask how each weight would
# have to move (*gradient*), and move it a little (*step*). Here is one epoch by hand.

# %%
keras.utils.set_random_seed(seed)
network = build(small.image_size)
optimizer = keras.optimizers.Adam(1e-3)
cross_entropy = keras.losses.BinaryCrossentropy()


def step(images, labels):
    import tensorflow as tf

    with tf.GradientTape() as tape:
        loss = cross_entropy(labels, network(images, training=True))
    gradient = tape.gradient(loss, network.trainable_weights)
    optimizer.apply(gradient, network.trainable_weights)
    return float(loss)


# %%
if keras.backend.backend() != "tensorflow":  # the step that Keras itself offers
    network.compile(optimizer, "binary_crossentropy")

    def step(images, labels):
        network.reset_metrics()
        return float(network.train_on_batch(images, labels))

# %% [markdown]
# The same start, the same order, the same loss: `fit` does nothing else.

# %% tags=["nbval-ignore-output"]
losses = [step(x[i : i + 16], y[i : i + 16]) for i in range(0, len(x), 16)]
print(f"by hand: mean loss {sum(losses) / len(losses):.4f}")

keras.utils.set_random_seed(seed)
again = build(small.image_size)
again.compile(keras.optimizers.Adam(1e-3), "binary_crossentropy")
history = again.fit(x, y, batch_size=16, shuffle=False, verbose=0).history
print(f"by fit:  mean loss {history['loss'][0]:.4f}")

# %% [markdown]
# Now for sixteen epochs, with curves. Then change the marked line: images four at a time, or a hundred, in the
# same number of epochs. Which takes more steps, and what do they do to the curves?

# %% tags=["nbval-ignore-output"]
size = 16  # <- change this: 4, then 100

keras.utils.set_random_seed(seed)
network = build(small.image_size)
adam = keras.optimizers.Adam(1e-3)
network.compile(adam, "binary_crossentropy", metrics=["accuracy"])
curves = plots.live_fit(f"{size} images a step")
history = network.fit(
    x, y, batch_size=size, epochs=16, verbose=0, validation_data=new, callbacks=[curves]
)

# %% [markdown]
# ## Play
#
# All three, for equal time and on images of 32 pixels. Is the order that of equal epochs?

# %%
widgets.playground("task1e")

# %% [markdown]
# ## The evidence

# %%
settings = {"epochs": n_epoch, "batch_size": batch_s, "n_base": n_base, "seed": seed}
vgg16 = skin.run(model="vgg16", learning_rate=lr, dropout=dropout, **settings)
configs = {
    "LeNet": vgg16.with_(model="lenet"),
    "AlexNet": vgg16.with_(model="alexnet"),
    "VGG16": vgg16,
}
training.same_network(build(image_size), configs["LeNet"])

# %% tags=["sizes"]
course.remind("task1e", 1)
evaluate.network_table(configs, skin.n_classes)

# %% [markdown]
# LeNet halves the image only twice, so its dense layer receives a large map and needs a weight for every field of it.

# %% tags=["predict", "revealed-by-curves"]
course.ask("task1e", 2)

# %% tags=["nbval-ignore-output"]
live = plots.live_curves(configs)
runs = training.train_all(
    configs, skin, reuse=reuse, train_missing=train_missing, on_epoch=live
)

# %% tags=["curves"]
plots.learning_curves(runs, said=course.said("task1e", 2))

# %% [markdown]
# The dotted line is guessing. How long does each network stay there, and what does it do once it has left it? Where the
# deepest starts last, its initialization has a part in that, not only its depth (He 2015).

# %% [markdown]
# The report discusses this comparison without numbers, so ours stand alone.

# %%
more = {
    "Gaps": evaluate.gap_table(runs),
    "Other ways to judge": evaluate.quality_table(runs),
}
evaluate.card(runs, skin, task="task1e", more=more)
audit.tell_simple(runs, skin, task="task1e")
widgets.beside_the_lab(runs, "task1e")

# %% [markdown]
# ## Explore
#
# Equal epochs are not equal time. Choose how long each network may train, and see what it has reached by then.

# %%
widgets.equal_time(runs)

# %% [markdown]
# ## Write
#
# The three networks differ in their blocks, and in little else. Write the function that builds any of them from a list:
# then "on equal terms" is one line.

# %% tags=["exercise"]
import keras
from keras import layers


def build_blocks(side, blocks, units):
    """A network for grey images of side x side pixels, with an Input, not compiled.

    A block is (filters, convolutions): so many 3x3 convolutions with same padding, each
    with ReLU, then one 2x2 max-pooling. Behind the blocks come a dense layer of that
    many units with ReLU, and one output with a sigmoid.
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
# *Your answer (double-click to write):*

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
# ## Summary
#
# - Depth is measured in layers, receptive field and work; the number of parameters may run the other way.
# - A loss counts how sure a network is of its errors, an accuracy only counts them: over-fitting may show in one alone.
# - A choice between networks needs intervals, and paired tests.
#
# Next: [Task 2](task2.ipynb) takes VGG16 to another kind of image.

# %% [markdown] jp-MarkdownHeadingCollapsed=true
# ## Going further
#
# Optional: what an epoch costs.

# %% tags=["nbval-ignore-output"]
evaluate.time_table(runs)
