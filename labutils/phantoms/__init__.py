"""Phantoms, the images that the lab draws itself: drawing (`draw_*`), which `files`, `write`."""
