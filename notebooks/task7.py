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
# # Task 7: Augmentation, picture by picture
#
# A lesion turned by ninety degrees is the same lesion. To a network it is a new picture. **Augmentation** makes use of
# that: it changes training images in ways that do not change their class. Here nothing is trained: you look at each
# change, alone and in combination, and at what it does to a trained network.
#
# At the end you will be able to say
#
# - what scaling, rotating, flipping and rescaling the intensity do to an image
# - which of them are safe for which kind of image, in numbers
# - how a generator makes an endless stream of new pictures from one
#
# With the stored runs it takes seconds to run, a run of your own on the small network less than a minute, and half an
# hour to think through. The [index](index.ipynb) says what training everything here would take.

# %% [markdown]
# ## Parameters
#
# The settings of the lab report. Change one and run the notebook again, or give it on the command line: `papermill
# task7.ipynb out.ipynb -p angle 90`.

# %% tags=["parameters"] jupyter={"source_hidden": true}
factor: float = 2  # scale: how many times larger, from 1
angle: float = 40  # rotate: degrees, counter-clockwise, -180 to 180
low: float = 6  # rescale intensity: this percentile becomes black, 0 to 100
high: float = 80  # rescale intensity: this percentile becomes white, above low, up to 100
rotation: float = 20  # generator: turn by up to this many degrees, 0 to 180
shift: float = 0.2  # generator: move by up to this fraction of the side, at least 0 and below 1
seed: int = 0  # decides what the generator draws, a whole number from 0
image_size: int = 128  # side of the images in pixels, 32 to 1024
channels: int = 1  # 1 (grey) or 3 (colour)
n_train: int = None  # training images, a whole number from 2; None takes all
n_val: int = None  # validation images, a whole number from 2; None takes all
source: str = "auto"  # images: course, public, phantom, or auto for the first of them that is there

# %% [markdown]
# ## Setup

# %%
import numpy as np

from labutils import augment, course, parameters, plots, training
from labutils.course import check, widgets
from labutils.data import load_dataset

parameters.check(globals())
x_ray = load_dataset("x_ray", image_size, channels, source, n_train, n_val)
skin = load_dataset("skin", image_size, channels, source, n_train, n_val)
print(x_ray.banner(), skin.banner(), sep="\n")

# %% [markdown]
# Two kinds of images, because what is safe for one need not be safe for the other.

# %% [markdown]
# ## Predict
#
# A trained network, and a picture that is changed under its eyes.

# %% tags=["predict"]
course.ask("task7", 1)

# %% [markdown]
# ## Look
#
# One image of each is used all through this notebook. Which way up is each of them? For one of the two the question
# makes no sense: that is the whole idea.

# %%
radiograph, lesion = np.array(x_ray.x_train[0]), np.array(skin.x_train[0])
plots.images_row(
    [radiograph, lesion], ["X_ray", "Skin"], f"the two images ({skin.source})"
)

# %% [markdown]
# ## The evidence
#
# Each change alone. A function takes an image and gives back one of the same shape, with values between 0 and 1.

# %%
changes = {
    "original": lambda image: image,
    f"scaled {factor:g} times": lambda image: augment.scale(image, factor),
    f"rotated {angle:g} degrees": lambda image: augment.rotate(image, angle),
    "flipped left to right": augment.flip_horizontal,
    "flipped top to bottom": augment.flip_vertical,
    f"intensity {low:g} to {high:g} %": lambda image: augment.rescale_intensity(
        image, low, high
    ),
}

# %%
plots.images_row(
    [change(radiograph) for change in changes.values()],
    list(changes),
    f"X_ray ({x_ray.source})",
)

# %%
plots.images_row(
    [change(lesion) for change in changes.values()],
    list(changes),
    f"Skin ({skin.source})",
)

# %% [markdown]
# Scaling cuts off the border; rotating brings in corners that were never photographed, filled by repeating the edge;
# the intensity change drives the darkest and the brightest parts to pure black and white, and what was different there
# is lost.

# %% [markdown]
# A change that claims to be harmless can be tested. Flipping twice gives the image back; rotating by nothing, and
# scaling by one, change nothing.

# %%
twice = augment.flip_horizontal(augment.flip_horizontal(lesion))
print("flipped twice is the image:", np.array_equal(twice, lesion))
print(
    "upside down twice is the image:",
    np.array_equal(augment.flip_vertical(augment.flip_vertical(lesion)), lesion),
)
print("rotated by 0 is the image:", np.allclose(augment.rotate(lesion, 0), lesion))
print("scaled by 1 is the image:", np.allclose(augment.scale(lesion, 1), lesion))

# %% [markdown]
# Rotating there and back is not on the list. Why not? Try it.

# %%
back = augment.rotate(augment.rotate(lesion, angle), -angle)
print(f"there and back: mean difference {np.abs(back - lesion).mean():.3f}")

# %% [markdown]
# Each rotation computes new pixels from old neighbours, and loses the corners. That is why a generator combines all
# changes into one and applies it once: rotation, shifts and flips, all drawn at random, as many pictures as anyone
# wants. The same seed gives the same stream.

# %%
stream = augment.random_images(lesion, 12, rotation=rotation, shift=shift, seed=seed)
plots.images_row(
    list(stream),
    [f"{i + 1}" for i in range(12)],
    f"one lesion, twelve times ({skin.source})",
)

# %%
stream = augment.random_images(
    radiograph, 12, rotation=rotation, shift=shift, seed=seed
)
plots.images_row(
    list(stream),
    [f"{i + 1}" for i in range(12)],
    f"one radiograph, twelve times ({x_ray.source})",
)

# %% [markdown]
# Would you accept all twelve as pictures of the same class? A radiograph upside down does not occur in practice: a
# network that learns it spends its effort on something it will never meet. Worse, where left and right matter (the
# heart), a flip makes a wrong picture.

# %% [markdown]
# ## Explore
#
# Break the network: change an image in every way at once, and watch the probability that the stored VGG16 of Task 1B
# gives it, where it looks, and its accuracy on all validation images under the same change.

# %%
victim = training.find(
    skin.run(model="vgg16", learning_rate=1e-5, epochs=150), skin, at_least=1
)
widgets.break_the_network(victim, skin)

# %% tags=["predict"]
course.ask("task7", 2)

# %% [markdown]
# ## Write
#
# Write a generator: from one picture it makes three, stretched in its grey values and flipped.

# %% tags=["exercise"]
import numpy as np


def versions(image, low, high):
    """Three changed pictures, one at a time (yield): the grey values stretched; that flipped left to right; and
    that flipped top to bottom.

    Stretched: low becomes 0, high becomes 1, what lies outside is cut off. The image itself is not changed.
    """
    ### BEGIN SOLUTION
    stretched = np.clip((image - low) / (high - low), 0, 1)
    yield stretched
    yield stretched[:, ::-1]
    yield stretched[::-1]
    ### END SOLUTION


# %% tags=["check"]
check.exercise(versions)

# %% [markdown]
# ## Answer
#
# **Question.** Which of these changes are safe for skin lesions, which for radiographs of body regions, and which for
# neither? Give for each the reason in one sentence, and the number that supports it.

# %% [markdown] tags=["answer"]
# *Your answer (double-click to write):*

# %% [markdown] tags=["reference"]
# When you have written yours, open ours.
#
# <details><summary><b>Reference answer</b></summary>
#
# A lesion has no up, down, left or right: rotations and flips are safe, small shifts too, and the accuracy under them
# should hardly move. Radiographs of body regions are taken in standard positions: small rotations and shifts occur,
# upside down does not, and a mirror image is another side of the body, which is harmless only where the class does not
# depend on the side. Rescaling the intensity is close to what different exposures do, and safe while nothing is clipped
# that matters. Scaling by two cuts off the border, which for a lesion is one of the signs and for a radiograph part of
# what tells the region. The control above says what each change costs a network that was trained without it; a
# network trained with it may learn to bear it, which is what Task 8 is about.
#
# </details>

# %% [markdown]
# ## Summary
#
# - A change is safe if it cannot change the class: that is a question about the disease, not about the program.
# - What a change costs a trained network can be measured.
# - Invariants (twice is nothing, zero is nothing) test a transform better than looking at it.
# - A generator draws all changes anew for every picture and epoch, from a seed.
#
# Next: [Task 8](task8.ipynb) trains with it.
