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
# # Task 7: Augmentation, picture by picture
#
# **A lesion turned by ninety degrees is the same lesion. To a network it is a new picture. Which changes may a picture
# suffer before it becomes another one?**
#
# At the end you will be able to
#
# - write a generator that makes new pictures from one, without an end
# - say which changes are safe for which kind of image, and test it in numbers
# - measure what a change costs a trained network

# %% [markdown]
# ## Parameters
#
# The settings of the lab report, folded. To run with another: `papermill task7.ipynb out.ipynb -p angle 90`.

# %% jupyter={"source_hidden": true} tags=["parameters"]
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

# %% jupyter={"source_hidden": true}
import numpy as np

from labutils import augment, course, parameters, plots, training
from labutils.course import check, widgets
from labutils.data import load_dataset

parameters.check(globals())
x_ray = load_dataset("x_ray", image_size, channels, source, n_train, n_val)
skin = load_dataset("skin", image_size, channels, source, n_train, n_val)
print(x_ray.banner(), skin.banner(), sep="\n")

# %% [markdown]
# ## Predict
#
# Nothing is trained here. **Augmentation** changes training images in ways that do not change their class. Two changes,
# one after the other:

# %% tags=["predict", "revealed-by-invariants"]
course.ask("task7", 1)

# %% [markdown]
# ## Look
#
# One image of each kind is used all through this notebook. Which way up is each of them? For one of the two the
# question makes no sense: that is the whole idea.

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
# the intensity change makes the darkest and the brightest parts black and white, and what was different there is lost.

# %% [markdown]
# A change that claims to be harmless can be tested. Flipping twice gives the image back; rotating by nothing, and
# scaling by one, change nothing. And both flips, one after the other?

# %% tags=["invariants"]
course.remind("task7", 1)
flipped = augment.flip_horizontal(lesion)
claims = {
    "flipped twice is the image": (augment.flip_horizontal(flipped), lesion),
    "both flips are half a turn": (augment.flip_vertical(flipped), np.rot90(lesion, 2)),
    "rotated by 0 is the image": (augment.rotate(lesion, 0), lesion),
    "scaled by 1 is the image": (augment.scale(lesion, 1), lesion),
}
for claim, (one, other) in claims.items():
    print(f"{claim}: {np.allclose(one, other)}")

# %% [markdown]
# Rotating there and back is not on the list. Why not?

# %% tags=["predict", "revealed-by-back"]
course.ask("task7", 2)

# %% tags=["back"]
course.remind("task7", 2)
back = augment.rotate(augment.rotate(lesion, angle), -angle)
lost = np.abs(back - lesion)
print(f"there and back: mean difference {lost.mean():.3f}")
plots.images_row(
    [lesion, back, np.clip(5 * lost, 0, 1)],
    ["before", "after", "what is lost, times 5"],
    f"turned by {angle:g} degrees and back ({skin.source})",
)

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
# Would you accept all twelve as the same class? A radiograph upside down does not occur in practice: a
# network that learns it spends its effort on what it will never meet. Where left and right matter (the heart), a
# flip makes a wrong picture.

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

# %% [markdown]
# ## Write
#
# Write a generator: from one picture it makes three, stretched in its grey values and flipped.

# %% tags=["exercise"]
import numpy as np


def versions(image, low, high):
    """Three changed pictures, one at a time (yield): the grey values stretched; that
    flipped left to right; and that flipped top to bottom.

    Stretched: low becomes 0, high becomes 1, what lies outside is cut off. The image
    itself is not changed.
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
# what tells the region. The number for each is the accuracy that the control under *Explore* shows: it
# is of a lesion network that was trained without changes, and one trained with them may bear them, as Task 8 asks.
#
# </details>

# %% [markdown]
# ## Summary
#
# - A generator draws all changes anew for every picture, from a seed, and never ends.
# - A change is safe if it cannot change the class, which is a question about the disease; invariants test its program.
# - What a change costs a trained network can be measured.
#
# Next: [Task 8](task8.ipynb) trains with it.
