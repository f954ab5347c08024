"""Images from elsewhere into the lab's layout: folders, tables and DICOM become a data set of one's own."""

from labutils.tools.imports.importing import import_images
from labutils.tools.imports.sources import Wanted

__all__ = ["Wanted", "import_images"]
