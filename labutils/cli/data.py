"""`labutils data fetch | audit | phantoms`: the commands around images. What they do is in `labutils.data`."""

import sys

import click

from labutils.cli.errors import explain


@click.group()
def data() -> None:
    """Images: fetch public ones, draw phantoms, judge any of them."""


@data.command()
@click.argument("name", metavar="skin|xray")
@click.option("--size", type=int, help="Side of the images in pixels: 128 or 224 for skin, 64 for xray.")
@explain
def fetch(name: str, size: int | None) -> None:
    """Fetch public images of skin or xray into data/public, laid out like the course's.

    Shows licence and citation first. Does nothing if the images are there; goes on where it was cut off.
    """
    from labutils.public import fetch as public

    public.fetch(name, size, show=click.echo)


@data.command()
@click.argument("sources", metavar="[NAME|DIR]...", nargs=-1)
@explain
def audit(sources: tuple[str, ...]) -> None:
    """Judge images before training on them: duplicates, leakage, unreadable files, shortcuts.

    NAME is skin, bone or xray; DIR a folder that holds train and test. Without either, every data set that is
    there is judged. Ends with status 1 if something of the training images is in the validation images.
    """
    from labutils.audit import audit as judge
    from labutils.data.locate import existing

    leakage = False
    for source in sources or existing():
        found = judge(source, progress=True)
        click.echo(f"{found}\n")
        for first, second in found.leaks:
            click.echo(f"leak: {first} | {second}")
        leakage |= found.leakage
    sys.exit(1 if leakage else 0)


@data.command()
@click.argument("names", metavar="[NAME]...", nargs=-1)
@explain
def phantoms(names: tuple[str, ...]) -> None:
    """Draw the embedded data sets (skin, bone, xray; all of them by default) into data/phantoms."""
    from labutils import paths
    from labutils.data.layouts import DATASETS
    from labutils.data.locate import dataset_name
    from labutils.data.phantoms.files import is_complete
    from labutils.data.phantoms.write import write_phantoms
    from labutils.errors import DataError
    from labutils.paths import shown

    chosen = [(name, dataset_name(name)) for name in names or DATASETS]
    for typed, name in chosen:
        if name not in DATASETS:
            raise DataError(f"There are no phantoms of {typed!r}: there are {', '.join(DATASETS)}.")
    for _, name in chosen:
        layout = DATASETS[str(name)]
        folder = paths.generated_dir() / "phantoms" / layout.folder
        if is_complete(layout.name, folder):
            click.echo(f"{shown(folder)} is there already.")
            continue
        write_phantoms(layout.name, folder)
        click.echo(f"{shown(folder)} is ready: synthetic images, not patients.")
