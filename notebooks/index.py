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
# # An interactive deep-learning lab on medical images
#
# Sixteen notebooks in which you train LeNet, AlexNet and VGG16 on skin lesions, fractures and radiographs, and find out
# what learning rate, depth, width, dropout, batch normalization, spatial dropout and augmentation really do: from
# evidence that you make yourself.
#
# They repeat a lab report from a course on deep learning for medical images. Its conclusions are not taken for granted:
# each notebook runs the experiment, puts an interval on every accuracy, tests every comparison, and says of every
# conclusion whether it is reproduced, not reproduced, or cannot be decided.

# %% [markdown]
# ## How to work with it
#
# Type `make lab` (or `labutils lab`) in a terminal: it opens your own copies of the notebooks in `my-lab/`, which
# nobody overwrites. In every notebook you commit to a prediction, play with a small network that trains in seconds,
# read the lab's stored evidence, explore with an instrument, write one function that checks itself, and answer a
# question. What is folded under *Going further* is optional: click the arrow beside it.
#
# Click into a cell and press *Shift+Enter*: it runs, and the next one is chosen. *Run > Run All Cells* runs a notebook
# from top to bottom. Sliders, buttons and questions appear when their cell has run. Nothing can be broken: `labutils
# lab --reset task1b` gives you a new copy and keeps yours beside it.

# %% [markdown]
# ## The notebooks, in order
#
# *To read* is the time for its words alone, 200 in a minute. *With stored runs* is what it took from top to bottom with
# the runs that come with the lab, measured on two cores when it was written. *Training here* is what training all its
# runs on this machine would take, estimated from a short measurement; runs that notebooks share are counted in each.

# %% tags=["nbval-ignore-output"]
from labutils import course
from labutils.tools import doctor, report

report.show_links()

# %% [markdown]
# ## How far you are
#
# Read from your own copies in `my-lab/`, on this machine and nowhere else.

# %% tags=["nbval-ignore-output"]
course.progress()

# %% [markdown]
# ## What is here
#
# Which images are used, how many runs are stored, and whether anything is wrong.

# %% tags=["nbval-ignore-output"]
doctor.table()

# %% [markdown]
# No images of a course are part of this lab. Without them you see *phantoms*: synthetic images drawn by a program. They
# are marked wherever a result on them is shown. To use your own, put them into `data/` as `data/README.md` describes,
# or fetch public ones with `labutils data fetch skin`.
#
# Begin with [Task 1B](task1b.ipynb). When you know your way, [own](own.ipynb) does for your images what the tasks do
# for the lab's: audit, training, exam, and a page of results to keep.
