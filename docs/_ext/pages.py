"""Pages that are written from the package and the stored runs."""

import re
from pathlib import Path

from labutils import lab

STAGED = re.compile(r"(?<!!)\[([^\]]*)\]\((?!https?:|#)([^)]*)\)")
HAVE = (".ipynb", ".md", ".png")


def linked(text: str, name: str) -> str:
    """A page whose links to what is not on the site are words."""
    return STAGED.sub(lambda found: found[0] if found[2].partition("#")[0].endswith(HAVE) else found[1], text)


def write_all(folder: Path) -> None:
    """Write them."""
    tasks = "\n".join(f"notebooks/{name}" for name in lab.TITLES)
    (folder / "index.md").write_text(
        f"""# Deep learning on medical images: a lab

```{{toctree}}
:hidden:
:caption: Start

notebooks/index
README
```

```{{toctree}}
:hidden:
:caption: Tasks

{tasks}
notebooks/own
```

```{{toctree}}
:hidden:
:caption: Results

results/REPORT
docs/rules
results/README
```

```{{toctree}}
:hidden:
:caption: Teach and build on it

docs/instructor
data/README
ARCHITECTURE
CONTRIBUTING
CHANGELOG
```
"""
    )
