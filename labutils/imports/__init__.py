"""Images from elsewhere into the lab's layout: folders, tables and DICOM become a data set of one's own."""

from labutils.imports.importing import import_images
from labutils.imports.sources import Wanted

__all__ = ["Wanted", "import_images"]
