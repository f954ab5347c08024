"""`labutils data import | fetch | audit | phantoms`: the commands around images."""

import sys
from pathlib import Path
from typing import Any

import click

from labutils import paths
from labutils.errors import DataError
from labutils.paths import dataset_name, shown


@click.group()
def data() -> None:
    """Images: import your own, fetch public ones, draw phantoms, judge any of them."""


@data.command("import")
@click.argument("source", type=click.Path(path_type=Path))
@click.argument("name")
@click.option("--file", default="", metavar="COLUMN", help="Column of a CSV with the files; guessed if it is usual.")
@click.option("--label", default="", metavar="COLUMN|ATTRIBUTE|PATTERN", help="What tells the class; see above.")
@click.option("--group", default="", metavar="COLUMN|ATTRIBUTE|PATTERN", help="What tells patients apart; see above.")
@click.option(
    "--images", type=click.Path(path_type=Path, file_okay=False), help="Where a CSV's files are, or folders of them."
)
@click.option("--classes", default="", metavar="A,B,...", help="The classes in label order; any other is an error.")
@click.option(
    "--several", default="", metavar="first|single", help="Of several labels, A|B: the first, or no such image."
)
@click.option("--shares", default="70,15,15", show_default=True, help="Train, validation, test; two for no exam.")
@click.option("--seed", default=0, show_default=True, help="Decides who goes where, and the new numbers.")
@click.option("--window", default="", metavar="LOW,HIGH", help="Values that are black and white, for every file.")
@click.option("--leave-out", is_flag=True, help="Leave out files that cannot be used, and write them down.")
def import_(source: Path, name: str, classes: str, shares: str, window: str, **asked: Any) -> None:
    """Make the data set NAME of SOURCE: a folder of classes, a CSV, or DICOM files; a ZIP counts as its folder.

    SOURCE holds a folder for each class, or is a CSV with file and label columns; without either, --label names an
    attribute of DICOM, or a pattern of file names with the class in parentheses, such as '([A-Z]+)_'. --group takes a
    column, an attribute or a pattern too. Patients (of DICOM the PatientID) stay on one side of the split; where
    nobody knows who they are, say --group none. Nothing is overwritten; stopped, the same command goes on.
    """
    from labutils.tools.imports import Wanted, import_images

    asked["window"] = _numbers("--window", window) or None
    asked["classes"] = tuple(one.strip() for one in classes.split(",") if one.strip())
    wanted = Wanted(shares=_numbers("--shares", shares), **asked)
    import_images(source.expanduser(), name, wanted, show=click.echo)


def _numbers(option: str, text: str) -> tuple[float, ...]:
    try:
        found = tuple(float(number) for number in text.split(",")) if text else ()
    except ValueError:
        found = (0.0,)
    if len(found) == 1 or (option == "--window" and len(found) > 2):
        raise click.UsageError(f"{option} is {text!r}: it must be numbers with a comma between them.")
    return found


@data.command()
@click.argument("name", metavar="skin|xray")
@click.option("--size", type=int, help="Side of the images in pixels: 128 or 224 for skin, 64 for xray.")
def fetch(name: str, size: int | None) -> None:
    """Fetch public images of skin or xray into data/public, laid out like the course's.

    Shows licence and citation first. Does nothing if the images are there; goes on where it was cut off.
    """
    from labutils.tools.public import fetch as public

    public.fetch(name, size, show=click.echo)


@data.command()
@click.argument("sources", metavar="[NAME|DIR]...", nargs=-1)
def audit(sources: tuple[str, ...]) -> None:
    """Judge images before training on them: duplicates, leakage, unreadable files, shortcuts, simple models.

    NAME is skin, bone or xray; DIR a folder that holds train and test. Without either, every data set that is
    there is judged. Ends with status 1 if something of the training images is in the validation images.
    """
    from labutils.audit import audit as judge
    from labutils.audit import file_baselines
    from labutils.data.locate import existing

    leakage = False
    for source in sources or existing():
        found = judge(source, progress=True)
        click.echo(f"{found}\n")
        try:
            click.echo(f"{file_baselines(source, progress=True)!r}\n")
        except DataError:  # a file that cannot be read: said above
            click.echo("Simple models were not measured: not every file can be read.\n")
        for first, second in found.leaks:
            click.echo(f"leak: {first} | {second}")
        leakage |= found.leakage
    sys.exit(1 if leakage else 0)


@data.command()
@click.argument("names", metavar="[NAME]...", nargs=-1)
def phantoms(names: tuple[str, ...]) -> None:
    """Draw the embedded data sets (skin, bone, xray; all of them by default) into data/phantoms."""
    from labutils.data.layouts import DATASETS
    from labutils.phantoms.files import is_complete
    from labutils.phantoms.write import write_phantoms

    if unknown := [name for name in names if dataset_name(name) not in DATASETS]:
        raise DataError(f"There are no phantoms of {unknown[0]!r}: there are {', '.join(DATASETS)}.")
    for name in map(str, map(dataset_name, names or DATASETS)):
        folder = paths.generated_dir() / "phantoms" / DATASETS[name].title
        if is_complete(name, folder):
            click.echo(f"{shown(folder)} is there already.")
            continue
        write_phantoms(name, folder)
        click.echo(f"{shown(folder)} is ready: synthetic images, not patients.")
