"""The verb `cache`: the maps on the disk."""

from typing import Annotated

from cyclopts import Parameter

from pda_studio.cli.options import AsJson, print_json


def cache(
    *,
    clear: Annotated[bool, Parameter(help="Delete all maps in it.")] = False,
    json: AsJson = False,
) -> int:
    """Show the cache of attribution maps, or delete its entries."""
    from pda_studio.cli import texts
    from pda_studio.store import DiskCache

    entries = DiskCache().entries
    deleted = entries.clear() if clear else None
    count, size = entries.usage()
    if json:
        usage = {"folder": str(entries.folder), "maps": count, "bytes": size}
        usage |= {"limit": entries.limit}
        if deleted is not None:
            usage |= {"deleted": deleted[0]}
        print_json(usage)
    else:
        print(texts.cache(entries.folder, count, size, entries.limit, deleted))
    return 0
