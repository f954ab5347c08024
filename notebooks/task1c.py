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
# # Task 1C: AlexNet against VGG16
#
# **Thirteen convolutions against five. The deeper network sees more of the image, and has hardly more numbers to learn.
# Is it better, and does it look at the right thing?**
#
# At the end you will be able to
#
# - build AlexNet and VGG16 from a list of blocks, and train them
# - say what more layers cost: parameters, work, time
# - tell a difference between two networks from chance

# %% [markdown]
# ## Parameters
#
# The settings of the lab report, folded. To run with another: `papermill task1c.ipynb out.ipynb -p n_epoch 10`.

# %% jupyter={"source_hidden": true} tags=["parameters"]
lr: float = 1e-5  # learning rate, above 0 and at most 1
n_epoch: int = 150  # epochs (passes over the training images), a whole number from 1
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
# The same images as in [Task 1B](task1b.ipynb): a comparison of networks is only fair on the same images, with the same
# training and for the same number of epochs.

# %% [markdown]
# ## Predict
#
# Five convolutions or thirteen, trained alike.

# %% tags=["predict", "revealed-by-boxes"]
course.ask("task1c", 1)

# %% [markdown]
# ## Look
#
# *Mel* is a melanoma, *Nev* a harmless mole. Here are the lesions with the least and the most fine texture. A border is
# a large-scale shape; globules and streaks are a matter of a few pixels. Which of the two would you need more pixels
# for?

# %%
plots.extremes(skin, "fine texture")

# %% [markdown]
# ## Build it
#
# A network is a list: how many filters, how many convolutions one after the other, and whether the image is halved
# after them. The rest is the same for AlexNet and VGG16.

# %%
import keras
from keras import layers

ALEXNET = ((1, 1, 1), (2, 1, 1), (4, 1, 0), (4, 1, 0), (2, 1, 1))
VGG16 = ((1, 2, 1), (2, 2, 1), (4, 3, 1), (8, 3, 1), (8, 3, 1))


def build(side, blocks, hidden):
    network = keras.Sequential([keras.Input((side, side, channels))])
    for times, convolutions, halved in blocks:
        for _ in range(convolutions):
            conv = layers.Conv2D(times * n_base, 3, padding="same", activation="relu")
            network.add(conv)
        if halved:
            network.add(layers.MaxPooling2D())
    network.add(layers.Flatten())
    for units in hidden:
        network.add(layers.Dense(units, activation="relu"))
    network.add(layers.Dense(1, activation="sigmoid"))
    return network


# %% [markdown]
# Train it on 400 small images. Then change the marked line: two blocks of VGG16, and all five, which have the longest
# way for a gradient to go.

# %%
small = skin.small()  # 400 images of 48 x 48 pixels
mean, spread = small.x_train.mean(), small.x_train.std()
x, y = (small.x_train - mean) / spread, small.y_train
new = (small.x_val - mean) / spread, small.y_val

# %% tags=["nbval-ignore-output"]
blocks = ALEXNET  # <- change this: VGG16[:2], then VGG16

keras.utils.set_random_seed(seed)
network = build(small.image_size, blocks, (64,))
adam = keras.optimizers.Adam(1e-3)
network.compile(adam, "binary_crossentropy", metrics=["accuracy"])
curves = plots.live_fit(f"{sum(b[1] for b in blocks)} convolutions")
history = network.fit(
    x, y, batch_size=16, epochs=16, verbose=0, validation_data=new, callbacks=[curves]
)

# %% [markdown]
# ## Play
#
# Both on images of 32 pixels: which network leaves the level of guessing first, and which one drifts apart?

# %%
widgets.playground("task1c")

# %% [markdown]
# ## The evidence
#
# What do they cost? Parameters are numbers to be learned, multiply-adds the work for one image; the *receptive field*
# is the part of the image that one position of the last map depends on. Each block of the strip is a layer.

# %%
settings = {"epochs": n_epoch, "batch_size": batch_s, "n_base": n_base, "seed": seed}
vgg16 = skin.run(model="vgg16", learning_rate=lr, dropout=dropout, **settings)
configs = {"AlexNet": vgg16.with_(model="alexnet", dense=(64,)), "VGG16": vgg16}

# %%
training.same_network(build(image_size, ALEXNET, (64,)), configs["AlexNet"])
training.same_network(build(image_size, VGG16, (64, 64)), configs["VGG16"])

# %%
evaluate.network_table(configs, skin.n_classes)

# %% tags=["nbval-ignore-output"]
live = plots.live_curves(configs)
runs = training.train_all(
    configs, skin, reuse=reuse, train_missing=train_missing, on_epoch=live
)

# %% tags=["predict", "revealed-by-curves"]
course.ask("task1c", 2)

# %% tags=["curves"]
plots.learning_curves(runs, said=course.said("task1c", 2))

# %% [markdown]
# *When* does each network leave the level of guessing? A deep one may stay there for some epochs: gradients shrink on
# their way through every layer (He 2015).

# %% [markdown]
# Which is better? Both were asked about the same images, so four boxes hold all there is: both right, both wrong, and
# two where they differ. Only these two can tell; McNemar's test asks whether a fair coin would give such a split.

# %% tags=["boxes"]
widgets.four_boxes(runs)

# %%
evaluate.card(runs, skin, task="task1c", said=course.said("task1c", 1))
audit.tell_simple(runs, skin, task="task1c")
widgets.beside_the_lab(runs, "task1c")

# %% [markdown]
# ## Explore
#
# Move through the epochs: which class is found first?

# %%
widgets.explore_epochs(plots.confusion_matrix, runs)


# %% [markdown]
# ## Write
#
# How much of the image does one position after several layers see? Write a function that works it out.

# %% tags=["exercise"]
def receptive_field(layers):
    """The side, in pixels of the image, of what one position after these layers sees.

    Each layer is (side of its window, stride), the first one next to the image.
    """
    ### BEGIN SOLUTION
    field, step = 1, 1
    for window, stride in layers:
        field += (window - 1) * step
        step *= stride
    return field
    ### END SOLUTION


# %% tags=["check"]
check.exercise(receptive_field)

# %% [markdown]
# ## Answer
#
# **Question.** Which network would you use for this problem? Give one reason that the curves show and one that the cost
# table shows. What would have to be different about the experiment for you to be sure?

# %% [markdown] tags=["answer"]
# *Your answer (double-click to write):*

# %% [markdown] tags=["reference"]
# When you have written yours, open ours.
#
# <details><summary><b>Reference answer</b></summary>
#
# The deeper network sees more of the image at once, so it can do better where shape and texture matter; it also does
# more work per image. How many parameters each has depends on the size of the images: most of AlexNet's sit in its
# first dense layer. Whether it really is better is for the tests to say: on so few validation images only a difference
# of several points can be seen. To be sure, one needs more images, several seeds, and images that chose nothing: an
# exam.
#
# </details>

# %% [markdown]
# ## Summary
#
# - More layers are not more parameters: where the image is halved matters as much.
# - Two accuracies are compared image by image, not number by number.
# - A heat map is a question, not an answer.
#
# Next: [Task 1D](task1d.ipynb) makes the network wider.

# %% [markdown] jp-MarkdownHeadingCollapsed=true
# ## Going further
#
# Optional: time, layers, thresholds, and what VGG16 looks at.

# %% tags=["nbval-ignore-output"]
evaluate.time_table(runs)

# %%
widgets.architecture_strip(configs["AlexNet"], skin.n_classes)

# %%
widgets.architecture_strip(configs["VGG16"], skin.n_classes)

# %% [markdown]
# The ROC curve shows what every threshold would give; its area (AUC) is the chance that a random image of one class
# gets a higher probability than one of the other.

# %%
plots.roc_curve(runs)

# %% [markdown]
# What does it look at? Grad-CAM weighs the last convolution's feature maps by how strongly each pushes the answer, and
# paints the sum over images that are answered right, and wrong.

# %%
widgets.show_gradcam(runs.get("VGG16"), skin)

# %% [markdown]
# Is the heat on the lesion, or on a hair, or a dark corner? A sensible map does not prove a sensible reason.
