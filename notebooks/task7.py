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
# # Task 7: Augmentation, picture by picture
#
# A lesion turned by ninety degrees is the same lesion. To a network it is a new picture. **Augmentation** makes use of that:
# it changes training images in ways that do not change their class. Here nothing is trained: you look at each change, alone
# and in combination.
#
# At the end you will be able to say
#
# - what scaling, rotating, flipping and rescaling the intensity do to an image,
# - which of them are safe for which kind of image,
# - how a generator makes an endless stream of new pictures from one.
#
# With the stored runs it takes seconds to run and about half an hour to think through; the [index](index.ipynb) says what
# training everything here would take.

# %% [markdown]
# ## Parameters
#
# The settings of the lab report; try others here or with `papermill task7.ipynb out.ipynb -p angle 90`.

# %% tags=["parameters"]
factor: float = 2  # scale: how many times larger, from 1
angle: float = 40  # rotate: degrees, counter-clockwise, -180 to 180
low: float = 6  # rescale intensity: this percentile becomes black, 0 to 100
high: float = 80  # rescale intensity: this percentile becomes white, above low, up to 100
rotation: float = 20  # generator: turn by up to this many degrees, 0 to 180
shift: float = 0.2  # generator: move by up to this fraction of the side, at least 0 and below 1
seed: int = 0  # decides what the generator draws, a whole number from 0
image_size: int = 128  # side of the images in pixels, 32 to 1024
n_train: int = None  # training images, a whole number from 2; None takes all
n_val: int = None  # validation images, a whole number from 2; None takes all
source: str = "auto"  # images: course, public, phantom, or auto for the first of them that is there

# %% [markdown]
# ## Setup

# %%
import numpy as np

from labutils import augment, plots, widgets
from labutils.data import load_dataset

wanted = {"source": source, "n_train": n_train, "n_val": n_val}
x_ray = load_dataset("x_ray", image_size, **wanted)
skin = load_dataset("skin", image_size, **wanted)
print(x_ray.banner(), skin.banner(), sep="\n")

# %% [markdown]
# Two kinds of images, because what is safe for one need not be safe for the other.

# %% [markdown]
# ## Look at the data
#
# One image of each is used all through this notebook.

# %%
radiograph, lesion = np.array(x_ray.x_train[0]), np.array(skin.x_train[0])
plots.images_row([radiograph, lesion], ["X_ray", "Skin"], f"the two images ({skin.source})")

# %% [markdown]
# Which way up is each of them? For one of the two the question makes no sense: that is the whole idea.

# %% [markdown]
# ## The experiment
#
# Each change alone. A function takes an image and gives back one of the same shape, with values between 0 and 1.

# %%
changes = {
    "original": lambda image: image,
    f"scaled {factor:g} times": lambda image: augment.scale(image, factor),
    f"rotated {angle:g} degrees": lambda image: augment.rotate(image, angle),
    "flipped left to right": augment.flip_horizontal,
    "flipped top to bottom": augment.flip_vertical,
    f"intensity {low:g} to {high:g} %": lambda image: augment.rescale_intensity(image, low, high),
}

# %%
plots.images_row([change(radiograph) for change in changes.values()], list(changes), f"X_ray ({x_ray.source})")

# %%
plots.images_row([change(lesion) for change in changes.values()], list(changes), f"Skin ({skin.source})")

# %% [markdown]
# Scaling cuts off the border; rotating brings in corners that were never photographed, filled by repeating the edge; the
# intensity change drives the darkest and the brightest parts to pure black and white, and what was different there is lost.

# %% [markdown]
# ### What must hold
#
# A change that claims to be harmless can be tested. Flipping twice gives the image back; rotating by nothing, and scaling by
# one, change nothing.

# %%
twice = augment.flip_horizontal(augment.flip_horizontal(lesion))
print("flipped twice is the image:", np.array_equal(twice, lesion))
print("upside down twice is the image:", np.array_equal(augment.flip_vertical(augment.flip_vertical(lesion)), lesion))
print("rotated by 0 is the image:", np.allclose(augment.rotate(lesion, 0), lesion))
print("scaled by 1 is the image:", np.allclose(augment.scale(lesion, 1), lesion))

# %% [markdown]
# Rotating there and back is not on the list. Why not? Try it.

# %%
back = augment.rotate(augment.rotate(lesion, angle), -angle)
print(f"there and back: mean difference {np.abs(back - lesion).mean():.3f}")

# %% [markdown]
# Each rotation computes new pixels from old neighbours, and loses the corners. That is why a generator combines all changes
# into one and applies it once.

# %% [markdown]
# ## Result
#
# The generator: rotation, shifts and flips, all drawn at random, as many pictures as anyone wants. The same seed gives the
# same stream.

# %%
stream = augment.random_images(lesion, 12, rotation=rotation, shift=shift, seed=seed)
plots.images_row(list(stream), [f"{i + 1}" for i in range(12)], f"one lesion, twelve times ({skin.source})")

# %%
stream = augment.random_images(radiograph, 12, rotation=rotation, shift=shift, seed=seed)
plots.images_row(list(stream), [f"{i + 1}" for i in range(12)], f"one radiograph, twelve times ({x_ray.source})")

# %% [markdown]
# Would you accept all twelve as pictures of the same class? A radiograph upside down does not occur in practice: a network
# that learns it spends its effort on something it will never meet. Worse, where left and right matter (the heart), a flip
# makes a wrong picture.

# %% [markdown]
# ## Explore
#
# Turn the lesion. At which angle do you begin to see that it was turned?

# %% tags=["nbval-ignore-output"]
widgets.explore_number(
    lambda degrees: plots.images_row([augment.rotate(lesion, degrees)], [f"{degrees} degrees"], f"Skin ({skin.source})"),
    "degrees", values=list(range(-180, 181, 10)), start=int(round(angle, -1)),
)  # fmt: skip

# %% [markdown]
# At the angle of the parameters, without a control:

# %%
plots.images_row([augment.rotate(lesion, angle)], [f"{angle:g} degrees"], f"Skin ({skin.source})")

# %% [markdown]
# ## Answer
#
# **Question.** Which of these changes are safe for skin lesions, which for radiographs of body regions, and which for neither? Give for each the reason in one sentence.

# %% [markdown]
# *Your answer:*

# %% [markdown]
# When you have written yours, open ours.
#
# <details><summary><b>Reference answer</b></summary>
#
# A lesion has no up, down, left or right: rotations and flips are safe, small shifts too. Radiographs of body regions
# are taken in standard positions: small rotations and shifts occur, upside down does not, and a mirror image is another
# side of the body, which is harmless only where the class does not depend on the side. Rescaling the intensity is close
# to what different exposures do, and safe while nothing is clipped that matters. Safe for neither, as shown here:
# scaling by two cuts off the border, which for a lesion is one of the signs and for a radiograph part of what tells the
# region; and an intensity change that turns a third of the picture black or white takes away tone and texture.
#
# </details>

# %% [markdown]
# ## Summary
#
# - A change is safe if it cannot change the class: that is a question about the disease, not about the program.
# - Invariants (twice is nothing, zero is nothing) test a transform better than looking at it.
# - A generator draws all changes anew for every picture and epoch, from a seed.
#
# Next: [Task 8](task8.ipynb) trains with it.
