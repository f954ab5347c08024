"""Exercises that build a network, or mend one: 1D, 1E, 2, 4, 5B, 5D, 6A, 8 and 9.

What a student wrote is put into facts: layers in words, and lines like `loss: mse`. Where they are right, it is trained
on small images and has to know others. The reference is not trained here: `benchmarks/bounds.py` does that.
"""

# mypy: disable-error-code="no-untyped-def"
# Written as students write: without types.

from dataclasses import dataclass
from functools import cache
from itertools import islice

import numpy as np

from labutils.course.exercises.entry import Case, call, exercise

LIMIT = 60.0
"""Seconds that one call may take, training included: some two of a processor's, more where others use it."""

BOUND = 0.85
"""Share of new images that a trained network has to know.

Right ones know them all, in 20 trainings each (`benchmarks/bounds.py`). A softmax over one output reaches 0.44 to 0.57,
nothing that bends 0.43 to 0.69; labels permuted apart 0.37 to 0.70, normalization forgotten 0.43 to 0.51, in 13 each.
"""

EPOCHS, BATCH, N = 10, 20, 160
"""How a network is trained, and images for it."""


@dataclass(frozen=True)
class Images:
    """Small images, made when they are asked for: stripes that stand or lie, or a spot in one of nine places."""

    seed: int
    side: int
    classes: int = 2

    def __repr__(self):
        return f"{N} small images"

    def make(self):
        """Images (n, side, side, 1) and labels to train with, and as many others."""
        rng = np.random.default_rng(self.seed)
        labels = rng.permutation(np.arange(2 * N) % self.classes)
        images = rng.normal(0, 0.3, (2 * N, self.side, self.side, 1)).astype(np.float32)
        for image, label in zip(images[..., 0], labels, strict=True):
            if self.classes == 2:
                wave = np.sin(np.pi / 2 * (np.arange(self.side) + rng.uniform(0, 4)))
                image += wave if label else wave[:, None]
            else:
                size = self.side // 3
                row, column = size * np.array(divmod(label, 3))
                image[row : row + size, column : column + size] += 1
        return images[:N], labels[:N], images[N:], labels[N:]


def keras():
    """Keras, set up as everywhere in the lab."""
    from labutils.keras_import import import_keras

    return import_keras()


def known(predicted, labels):
    """The share of images that are known, from a probability of label 1 or one for each class."""
    predicted = np.asarray(predicted)
    answers = predicted.argmax(-1) if predicted.shape[-1] > 1 else predicted[:, 0] > 0.5
    return float(np.mean(answers == labels))


def learned(network, images):
    """Train a network on small images, compiled for them unless it is already; what it knows of others."""
    x, y, x_new, y_new = images.make()
    if not network.compiled:
        network.compile(keras().optimizers.Adam(0.005), "binary_crossentropy")
    network.fit(x, y, batch_size=BATCH, epochs=EPOCHS, verbose=0)
    return known(network(x_new), y_new)


def facts(network, *settings):
    """Layers in words, then the number of parameters, and loss and optimizer if it is compiled."""
    from labutils.models import layers_in_words

    if not isinstance(network, keras().Model) or not network.built:
        return [f"kind: {type(network).__name__}{' without Input' if hasattr(network, 'built') else ''}"]
    found = ["kind: a network", *layers_in_words(network), f"number of parameters: {network.count_params():,}"]
    if network.compiled:
        loss = keras().losses.get(network.loss)
        optimizer = network.optimizer
        found.append(f"loss: {getattr(loss, 'name', None) or loss.__name__}")
        found.append(f"optimizer: {type(optimizer).__name__} {float(optimizer.learning_rate):.4g}")
    return found


def unlike(got, wanted):
    """Where facts begin to differ, in a clause; empty if they do not."""
    from labutils.models import other_layer

    if isinstance(wanted, str) or not isinstance(got, list):
        return "" if got == wanted else f"it gave {got!r:.60}, and {wanted!r:.60} was expected"
    named, wanted_named = (dict(fact.split(": ") for fact in part if ": " in fact) for part in (got, wanted))
    layers, wanted_layers = ([fact for fact in part if ": " not in fact] for part in (got, wanted))
    if named.get("kind") == wanted_named.get("kind") and (found := other_layer(layers, wanted_layers)):
        return found
    for name, value in [*wanted_named.items(), *((name, "none") for name in named if name not in wanted_named)]:
        if named.get(name, "none") != value:
            return f"{name}: {named.get(name, 'none')}, and {value} was expected"
    return ""


LEARN: dict = {}
"""By exercise: what gives the share of new images that the network of a function knows in the end."""


def building(task, about, find=facts, make=None, train=learned):
    """Enter a function that builds: compared by what `find` says of it, and what it learns where a case has images.

    `find` and `train` get the network that it gives; if there is a `make`, `find` what that gives, and `train` the
    function itself.
    """

    def enter(reference):
        def made(written, *given):
            """What a function gives for the settings, beginning at the seed of the images; settings and images."""
            settings = [value for value in given if not isinstance(value, Images)]
            images = next((value for value in given if isinstance(value, Images)), None)
            keras().utils.set_random_seed(images.seed if images else 0)
            return (make or call)(written, *settings), settings, images

        def learn(written, *given):
            """The share of new images that it knows in the end."""
            network, _, images = made(written, *given)
            return train(written if make else network, images)

        def use(written, *given):
            network, settings, images = made(written, *given)
            if network is None or network is ...:
                return None
            found = find(network, *settings)
            if images and (written is reference or found == find(made(reference, *given)[0], *settings)):
                share = 1.0 if written is reference else learn(written, *given)
                found.append(f"share of new images known: {f'over {BOUND:g}' if share > BOUND else f'{share:.2f}'}")
            return found

        LEARN[reference.__name__] = learn
        return exercise(task, about, use, LIMIT)(reference)

    return enter


def stack(side, *layers):
    """A network of these layers, named as in Keras and with their settings: `("Conv2D", 8, 3)`."""
    named = (layer if isinstance(layer[-1], dict) else (*layer, {}) for layer in layers)
    made = [getattr(keras().layers, kind)(*settings, **options) for kind, *settings, options in named]
    return keras().Sequential([keras().Input((side, side, 1)), *made])


def conv(filters, activation="relu", **options):
    """A 3x3 convolution."""
    return "Conv2D", filters, 3, {"padding": "same", "activation": activation, **options}


def dense(units, activation=None):
    """A dense layer."""
    return "Dense", units, {"activation": activation}


POOL, FLAT, RELU, NORM = ("MaxPooling2D",), ("Flatten",), ("ReLU",), ("BatchNormalization",)


def three(rng, classes=2, **ranges):
    """Three inputs: two sizes, and one that is small and trained; of a range with a point it is a number with one."""

    def settings(**ranges):
        return {
            name: int(rng.integers(low, high)) if isinstance(low, int) else round(float(rng.uniform(low, high)), 2)
            for name, (low, high) in ranges.items()
        }

    first, second, third = (settings(side=ends, **ranges) for ends in ((16, 49), (16, 49), (12, 16)))
    third["images"] = small_images(rng, third["side"], classes)
    return [Case("a network", **first), Case("another size", **second), Case("small images, trained", **third)]


def small_images(rng, side=None, classes=2):
    """Images of a seed that is drawn, and of a side that is unless it is given."""
    return Images(int(rng.integers(2**31)), side or int(rng.integers(12, 16)), classes)


@building("task1d", "a LeNet with dropout")
def build_lenet(
    side, n_base, rate, second=2, activation="relu", last="sigmoid", drop=("Dense", "Dropout"), padding="same"
):
    convolutions = [(conv(n_base * times, activation, padding=padding), POOL) for times in (1, second)]
    ends = {"Dense": dense(64, activation), "Dropout": ("Dropout", rate)}
    return stack(side, *sum(convolutions, ()), FLAT, *(ends[kind] for kind in drop), dense(1, last))


build_lenet.inputs(lambda rng: three(rng, n_base=(5, 12), rate=(0.1, 0.5)))
RATE = "A rate of 0.1 leaves out one unit of ten."
build_lenet.mistake(
    "as many filters in both convolutions", "Behind a pooling there are a quarter as many positions.", second=1
)
build_lenet.mistake(
    "dropout before the dense layer", "It is the units of the dense layer that are left out.", drop=("Dropout", "Dense")
)
build_lenet.mistake("the share that stays, not the rate", RATE)(
    lambda side, n_base, rate: build_lenet(side, n_base, round(1 - rate, 2))
)
build_lenet.mistake(
    "no ReLU", "Convolutions without anything between them are together one convolution.", activation=None
)
build_lenet.mistake("no sigmoid", "What the last layer gives is to be a probability.", last=None)
build_lenet.mistake("no padding", "The maps are to stay as large as the image until they are pooled.", padding="valid")


@building("task1e", "a network from its blocks")
def build_blocks(side, blocks, units, each=False, last=True, hidden="relu", single=False):
    layers = []
    for number, (filters, convolutions) in enumerate(blocks, start=1):
        convolutions = 1 if single else convolutions
        for i in range(1, convolutions + 1):
            layers.append(conv(filters))
            if each or (i == convolutions and (last or number < len(blocks))):
                layers.append(POOL)
    return stack(side, *layers, FLAT, dense(units, hidden), dense(1, "sigmoid"))


@build_blocks.inputs
def _(rng):
    def case(label, *convolutions, images=False):
        side = int(rng.integers(12, 16) if images else rng.integers(48, 65))
        filters = [int(n) for n in rng.choice(np.arange(6, 12), len(convolutions), replace=False)]
        given = {"blocks": list(zip(filters, convolutions, strict=True)), "units": int(rng.integers(16, 40))}
        more = {"images": small_images(rng, side)} if images else {}
        return Case(label, side=side, **given, **more)

    return [
        case("two blocks", 1, 2),
        case("five blocks, as VGG16 has them", 2, 2, 3, 3, 3),
        case("small images, trained", 1, 2, images=True),
    ]


build_blocks.mistake(
    "one convolution in each block", "The second number of a block says how many follow each other.", single=True
)
build_blocks.mistake("a pooling behind every convolution", "A block halves the image once.", each=True)
build_blocks.mistake("no pooling behind the last block", "Every block ends with one.", last=False)
build_blocks.mistake(
    "the dense layer without ReLU", "Two dense layers without anything between them are one.", hidden=None
)


def compiled(network, loss, rate=0.005):
    """The network with its loss and Adam."""
    network.compile(keras().optimizers.Adam(rate), loss)
    return network


@building("task2", "a network for two classes, mended")
def mend_two_classes(side, n_base, last="sigmoid", units=1, loss="binary_crossentropy"):
    layers = conv(n_base), POOL, conv(2 * n_base), POOL, FLAT, dense(units, last)
    return compiled(stack(side, *layers), loss)


mend_two_classes.inputs(lambda rng: three(rng, n_base=(5, 12)))
MANY = "sparse_categorical_crossentropy"
mend_two_classes.mistake(
    "two outputs and the wrong loss",
    "What is one number enough for, if there are two classes?",
    units=2,
    loss="mean_squared_error",
)
mend_two_classes.mistake("the loss of many classes", "That loss wants a probability for every class.", loss=MANY)
mend_two_classes.mistake(
    "a softmax over one output", "A softmax makes its outputs add up to 1: what if there is one?", last="softmax"
)
mend_two_classes.mistake(
    "still two outputs", "Loss and output have to fit: how many numbers does this loss want?", units=2
)


@building("task4", "a network for nine classes")
def build_nine_classes(side, n_base, last="softmax", units=9, loss=MANY):
    return mend_two_classes.reference(side, n_base, last, units, loss)


build_nine_classes.inputs(lambda rng: three(rng, classes=9, n_base=(5, 12)))
build_nine_classes.mistake(
    "nine sigmoids", "An image shows one region: what do the nine probabilities add up to?", last="sigmoid"
)
build_nine_classes.mistake("no softmax", "The loss takes what it gets for probabilities.", last=None)
build_nine_classes.mistake(
    "the loss of one-hot labels", "The labels are whole numbers, 0 to 8.", loss="categorical_crossentropy"
)
build_nine_classes.mistake(
    "the loss of two classes", "Yes or no is asked nine times in this loss.", loss="binary_crossentropy"
)
build_nine_classes.mistake(
    "one output", "How many probabilities are asked for?", last="sigmoid", units=1, loss="binary_crossentropy"
)


@building("task5b", "batch normalization in its place")
def build_normalized(side, n_base, order=(NORM, RELU), bias=False):
    blocks = [(conv(times * n_base, None, use_bias=bias), *order, POOL) for times in (1, 2)]
    return stack(side, *sum(blocks, ()), FLAT, dense(1, "sigmoid"))


build_normalized.inputs(lambda rng: three(rng, n_base=(5, 12)))
build_normalized.mistake("the bias kept", "What the normalization subtracts takes a constant with it.", bias=True)
build_normalized.mistake(
    "normalized behind the ReLU", "A ReLU that is an option of a layer comes before the next.", order=(RELU, NORM)
)
build_normalized.mistake("no ReLU", "Normalization is linear: what bends?", order=(NORM,))


@building("task6a", "a network with spatial dropout")
def build_spatial_dropout(side, n_base, rate, kind="SpatialDropout2D", order="crdp", both=True):
    parts = {"c": None, "r": RELU, "d": (kind, rate), "p": POOL}
    layers = []
    for times in 1, 2:
        parts["c"] = conv(times * n_base, None)
        layers += [parts[part] for part in order if both or times == 2 or part != "d"]
    return stack(side, *layers, FLAT, dense(1, "sigmoid"))


build_spatial_dropout.inputs(lambda rng: three(rng, n_base=(8, 14), rate=(0.05, 0.2)))
build_spatial_dropout.mistake(
    "single values left out", "Neighbours in a map say nearly the same: leave out the map.", kind="Dropout"
)
build_spatial_dropout.mistake(
    "left out before the ReLU", "That gives the same, and is not what was asked for.", order="cdrp"
)
build_spatial_dropout.mistake("left out behind the pooling", "It follows the ReLU at once.", order="crpd")
build_spatial_dropout.mistake("only behind the last ReLU", "There are two.", both=False)
build_spatial_dropout.mistake("the share that stays, not the rate", RATE.replace("unit", "map"))(
    lambda side, n_base, rate: build_spatial_dropout(side, n_base, round(1 - rate, 2))
)


def _within(network, side, budget):
    """What a network keeps of a budget, whatever its layers."""
    found = facts(network)
    if len(found) == 1:
        return found
    bends = {"ReLU", "MaxPooling2D 2x2", "relu", "tanh", "gelu", "elu", "silu", "selu", "leaky_relu"}
    parts = [fact for fact in found if ": " not in fact]
    return [
        found[0],
        f"number of parameters: {'at most' if network.count_params() <= budget else 'above'} the budget",
        f"output: {' and '.join(parts[-2:])}",
        f"layers in between: {'some that bend' if bends & set(parts) else 'only straight ones'}",
        f"loss: {next((fact.split(': ')[1] for fact in found if fact.startswith('loss')), 'not compiled')}",
    ]


@building("task9", "a network on a budget", _within)
def build_on_budget(side, budget, end=("GlobalMaxPooling2D",), activation="relu", loss="binary_crossentropy"):
    pool = POOL if activation else ("AveragePooling2D", 2)
    network = stack(side, conv(8, activation), pool, conv(10, activation), end, dense(1, "sigmoid"))
    return compiled(network, loss, 0.01) if loss else network


build_on_budget.inputs(lambda rng: three(rng, budget=(900, 1100)))
build_on_budget.mistake(
    "above the budget", "Which layer has most of the numbers? Count them, or look at summary().", end=FLAT
)
build_on_budget.mistake("not compiled", "A network without loss and optimizer cannot be trained.", loss=None)
build_on_budget.mistake(
    "nothing that bends",
    "Linear layers behind each other are one linear layer.",
    end=("GlobalAveragePooling2D",),
    activation=None,
)


class Seen:
    """Stands in for a network, and keeps what it is trained with and asked for."""

    def __init__(self):
        self.trained = self.asked = self.answers = None

    def fit(self, x, y, *more, **options):
        self.trained = np.array(x)

    def predict(self, x, *more, **options):
        self.asked = np.array(x)
        return self.asked

    __call__ = predict


def _seen(written, *given):
    network = Seen()
    network.answers = written(network, *given)
    return None if network.trained is None and network.answers is None else network


def _images_seen(seen, *given):
    def told(x):
        return "none" if x is None else f"{x.mean() + 1e-4:.1f} and {x.std():.1f}"

    return [
        f"mean and spread of what it is trained on: {told(seen.trained)}",
        f"mean and spread of what it is asked: {told(seen.asked)}",
        f"result: {'none' if seen.answers is None else 'the answers'}",
    ]


def _small(images):
    network = stack(images.side, conv(8), POOL, conv(16), POOL, FLAT, dense(1, "sigmoid"))
    return compiled(network, "binary_crossentropy")


def _grey(images):
    """Small images as they come out of a file, dark and of little contrast."""
    x, y, x_new, y_new = images.make()
    return 0.3 + 0.01 * x, y, 0.3 + 0.01 * x_new, y_new


def _asked(written, images):
    x, y, x_new, y_new = _grey(images)
    return known(written(_small(images), x, y, x_new), y_new)


@building("task5d", "normalization when predicting, mended", _images_seen, _seen, _asked)
def mend_normalization(network, x, y, new, first="x", second="x"):
    """Training images are scaled by the statistics of the first, new ones by those of the second."""
    of = {"x": x, "new": new, "both": np.concatenate([x, new])}

    def scaled(images, by):
        return (images - of[by].mean()) / of[by].std() if by else images

    network.fit(scaled(x, first), y, batch_size=BATCH, epochs=EPOCHS, verbose=0)
    return network.predict(scaled(new, second), verbose=0)


@mend_normalization.inputs
def _(rng):
    def case(label, n, **more):
        low, side = rng.uniform(0.2, 0.4), int(rng.integers(4, 9))
        x = rng.uniform(low, 2 * low, (20, side, side, 1)).round(3)
        new = rng.uniform(2 * low, 3.5 * low, (n, side, side, 1)).round(3)
        return Case(label, x=x, y=np.arange(20) % 2, new=new, **more)

    images = small_images(rng)
    return [case("brighter new images", 10), case("one new image", 1), case("small images, trained", 5, images=images)]


mend_normalization.mistake(
    "forgotten when predicting", "A network has to get new images as it got those of training.", second=""
)
mend_normalization.mistake(
    "new images by their own statistics", "A brighter image would then look like any other.", second="new"
)
mend_normalization.mistake(
    "the training images by the statistics of the new ones",
    "They are not there in training.",
    first="new",
    second="new",
)
mend_normalization.mistake(
    "all images together", "New images are not there in training, and come one by one.", first="both", second="both"
)
mend_normalization.mistake(
    "not normalized at all", "Dark images of little contrast are hard to begin with.", first="", second=""
)


def _batches_seen(made, x, y, size):
    """What the batches of two epochs hold; images and labels are numbered."""
    taken = list(islice(made, 2 * -(-len(x) // size))) if hasattr(made, "__next__") else []
    if not taken:
        return [f"kind: {type(made).__name__}, without a batch"]
    order, labels = np.concatenate([(images[:, 0, 0, 0], labels) for images, labels in taken], axis=1)
    first, second = order[: len(x)], order[len(x) :]
    old = "in their old order" if np.array_equal(labels[: len(x)], y) else "some with another image"
    once = sorted(first) == sorted(second) == sorted(x[:, 0, 0, 0])
    shuffled = "not shuffled" if np.array_equal(first, x[:, 0, 0, 0]) else "shuffled once, and then the same"
    return [
        "kind: a generator",
        f"sizes of the batches: {' '.join(str(len(images)) for images, _ in taken)}",
        f"images of an epoch: {'each once' if once else 'not each once'}",
        f"labels: {'each with its image' if np.array_equal(order, labels) else old}",
        f"order: {shuffled if np.array_equal(first, second) else 'another one in every epoch'}",
    ]


def _fed(written, images):
    x, y, x_new, y_new = images.make()
    network = _small(images)
    network.fit(written(x, y, BATCH), steps_per_epoch=N // BATCH, epochs=EPOCHS, shuffle=False, verbose=0)
    return known(network(x_new), y_new)


def _anew(n):
    order = np.random.permutation(n)
    return order, order


@building("task8", "batches in another order, mended", _batches_seen, train=_fed, make=call)
def mend_batches(x, y, size, orders=_anew):
    """`orders` gives the places of an epoch's images, and those of its labels."""
    while True:
        images, labels = orders(len(x))
        for first in range(0, len(x), size):
            yield x[images[first : first + size]], y[labels[first : first + size]]


@mend_batches.inputs
def _(rng):
    def case(label, n, size, **more):
        numbers = rng.choice(1000, n, replace=False)
        return Case(label, x=np.ones((n, 2, 2, 1)) * numbers[:, None, None, None], y=numbers, size=size, **more)

    n, size = int(rng.integers(3, 6)), int(rng.integers(3, 6))
    images = small_images(rng)
    return [
        case("batches that come out even", n * size, size),
        case("a last batch that is smaller", n * size + 2, size),
        case("small images, trained", 2 * n * size, size, images=images),
    ]


mend_batches.mistake(
    "images and labels in two orders",
    "Which label does an image have, if each is permuted anew?",
    orders=lambda n: (np.random.permutation(n), np.random.permutation(n)),
)
mend_batches.mistake(
    "only the images shuffled",
    "The labels have to move with them.",
    orders=lambda n: (np.random.permutation(n), np.arange(n)),
)
mend_batches.mistake(
    "not shuffled",
    "The network would see the images in the same order in every epoch.",
    orders=lambda n: (np.arange(n), np.arange(n)),
)
mend_batches.mistake(
    "shuffled once", "Every epoch is to have an order of its own: where does the loop begin?", orders=cache(_anew)
)
mend_batches.mistake(
    "some images twice",
    "Drawn anew for each image, some come twice and others not at all.",
    orders=lambda n: 2 * (np.random.randint(n, size=n),),
)
