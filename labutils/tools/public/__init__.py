"""Public images: `fetch` downloads what the registry lists, checks it, and unpacks it into the lab's layout."""
