"""What PDF/UA asks of the structure tree and WeasyPrint leaves out."""

from __future__ import annotations

from typing import Any


def finish_tags(pdf: Any) -> None:
    """Complete the tags of a PDF just before it is written.

    Four things: header cells say whether they head a row or a column; the identifiers that
    data cells use to point at them are listed; figures say where on the page they stand, in
    points from the bottom left and not in pixels from the top left; and the running heads and
    page numbers, which WeasyPrint marks as text outside the structure tree, become pagination
    artifacts, so that no reader meets them between two lines of a paragraph.

    Parameters
    ----------
    pdf : pydyf.PDF
        Changed in place.
    """
    dictionary = type(pdf.catalog)
    objects = {item.reference: item for item in pdf.objects if isinstance(item, dictionary)}
    root = objects[pdf.catalog["StructTreeRoot"]]
    _scope_header_cells(objects)
    _list_identifiers(pdf, root, objects)
    _place_figures(objects)
    _release_running_heads(pdf, root, objects)


def _scope_header_cells(objects: dict[bytes, Any]) -> None:
    for item in objects.values():
        if item.get("S") == "/TH":
            group = objects[objects[item["P"]]["P"]]
            item["A"]["Scope"] = "/Column" if group["S"] == "/THead" else "/Row"


def _list_identifiers(pdf: Any, root: Any, objects: dict[bytes, Any]) -> None:
    dictionary, array = type(root), type(root["K"])
    named = [item for item in objects.values() if "ID" in item]
    if named:
        # A name tree is searched in the order of its keys' bytes.
        named.sort(key=lambda item: item["ID"].data)
        tree = dictionary(
            {
                "Names": array([part for item in named for part in (item["ID"], item.reference)]),
                "Limits": array([named[0]["ID"], named[-1]["ID"]]),
            }
        )
        pdf.add_object(tree)
        root["IDTree"] = dictionary({"Kids": array([tree.reference])})


def _place_figures(objects: dict[bytes, Any]) -> None:
    for item in objects.values():
        if item.get("S") == "/Figure":
            left, top, right, bottom = (0.75 * pixels for pixels in item["A"]["BBox"])
            height = objects[item["Pg"]]["MediaBox"][3]
            item["A"]["BBox"][:] = (left, height - bottom, right, height - top)


def _release_running_heads(pdf: Any, root: Any, objects: dict[bytes, Any]) -> None:
    dictionary = type(root)
    reachable = _reachable(root, objects)
    streams = {item.reference: item for item in pdf.objects if hasattr(item, "stream")}
    numbers = objects[root["ParentTree"]]["Nums"]
    for page, reference in enumerate(pdf.page_references):
        # The tree's list pairs a page's number with the owners of its marks, in order.
        owners = numbers[2 * page + 1]
        lost = {mark for mark, owner in enumerate(owners) if owner not in reachable}
        content = streams[objects[reference]["Contents"]].stream
        for place, part in enumerate(content):
            if isinstance(part, dict) and part.get("MCID") in lost:
                content[place - 1] = "/Artifact"
                content[place] = dictionary({"Type": "/Pagination"})
        for mark in lost:
            owners[mark] = "null"


def _reachable(root: Any, objects: dict[bytes, Any]) -> set[bytes]:
    found: set[bytes] = set()
    waiting = [kid for kid in root["K"] if isinstance(kid, bytes)]
    while waiting:
        reference = waiting.pop()
        found.add(reference)
        kids = objects[reference].get("K", ())
        waiting += [kid for kid in kids if isinstance(kid, bytes)]
    return found
