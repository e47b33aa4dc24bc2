"""Do the file's buffers, views and accessors stay within its bytes?  No count allocates before this is known."""

from formats.glb.gltf import COMPONENTS, WIDTHS
from formats.glb.tree import Json, entries, flag, item, reference, whole
from formats.rules import MOST_ENTRIES, refusal

SIZES = {code: int(kind[1]) for code, kind in COMPONENTS.items()}
UNSIGNED = (5121, 5123, 5125)


def check_buffers(tree: Json, *, available: int) -> None:
    """One buffer at most, without a URI, covered by the BIN chunk of `available` bytes."""
    for index, buffer in enumerate(entries(tree, "buffers", limit=MOST_ENTRIES)):
        refuse_uri(buffer, where=f"buffers[{index}]")
        claimed = whole(buffer, "byteLength", where=f"buffers[{index}]")
        if index > 0 or not available:
            raise refusal("BUFFER_WITHOUT_BYTES", where=f"buffers[{index}]")
        if claimed > available:
            raise refusal("BUFFER_TOO_SHORT", claimed=claimed, bytes=available)


def refuse_uri(entry: Json, *, where: str) -> None:
    uri = entry.get("uri")
    if uri is not None:
        inline = isinstance(uri, str) and uri[:5].lower() == "data:"
        raise refusal("DATA_URI" if inline else "EXTERNAL_FILE", where=where)


def check_views(tree: Json) -> None:
    buffers = tree.get("buffers", [])
    for index, view in enumerate(entries(tree, "bufferViews", limit=MOST_ENTRIES)):
        where = f"bufferViews[{index}]"
        buffer = buffers[reference(view, "buffer", where=where, count=len(buffers))]
        end = whole(view, "byteOffset", where=where, default=0) + whole(view, "byteLength", where=where)
        if end > buffer["byteLength"]:
            raise refusal("BUFFER_VIEW_OUT_OF_RANGE", where=where, end=end, bytes=buffer["byteLength"])
        if "byteStride" in view:
            stride = whole(view, "byteStride", where=where)
            if not 4 <= stride <= 252 or stride % 4:
                raise refusal("BAD_STRIDE", where=where, stride=stride)


def check_accessors(tree: Json) -> None:
    for index, accessor in enumerate(entries(tree, "accessors", limit=MOST_ENTRIES)):
        where = f"accessors[{index}]"
        component, kind = accessor.get("componentType"), accessor.get("type")
        if not isinstance(component, int) or component not in COMPONENTS:
            raise refusal("BAD_ACCESSOR", where=where, why="unknown componentType")
        if not isinstance(kind, str) or kind not in WIDTHS:
            raise refusal("BAD_ACCESSOR", where=where, why="unknown type")
        if whole(accessor, "count", where=where) < 1:
            raise refusal("BAD_ACCESSOR", where=where, why="count is 0")
        flag(accessor, "normalized", where=where)
        if "bufferView" not in accessor:
            raise refusal("ACCESSOR_WITHOUT_DATA", where=where)
        _check_span(tree, accessor, where=where, count=accessor["count"], element=WIDTHS[kind] * SIZES[component])
        if "sparse" not in accessor:
            continue
        where, sparse = f"{where}.sparse", item(accessor, "sparse", where=f"{where}.sparse")
        replaced = whole(sparse, "count", where=where)
        if not 1 <= replaced <= accessor["count"]:
            raise refusal("SPARSE_OUT_OF_RANGE", where=where, why=f"replaces {replaced} of {accessor['count']} values")
        indices, values = item(sparse, "indices", where=where), item(sparse, "values", where=where)
        numbered = indices.get("componentType")
        if not isinstance(numbered, int) or numbered not in UNSIGNED:
            raise refusal("BAD_ACCESSOR", where=f"{where}.indices", why="unknown componentType")
        _check_span(tree, indices, where=f"{where}.indices", count=replaced, element=SIZES[numbered])
        element = WIDTHS[kind] * SIZES[component]
        _check_span(tree, values, where=f"{where}.values", count=replaced, element=element, component=component)


def _check_span(tree: Json, entry: Json, *, where: str, count: int, element: int, component: int | None = None) -> None:
    """`count` elements of `element` bytes lie within the bufferView, at the right alignment."""
    views = tree.get("bufferViews", [])
    view = views[reference(entry, "bufferView", where=where, count=len(views))]
    start = whole(entry, "byteOffset", where=where, default=0)
    stride = view.get("byteStride", element)
    if stride < element:
        raise refusal("BAD_STRIDE", where=f"bufferViews[{entry['bufferView']}]", stride=stride)
    needed = start + stride * (count - 1) + element
    if needed > view["byteLength"]:
        raise refusal("ACCESSOR_OUT_OF_RANGE", where=where, needed=needed, bytes=view["byteLength"])
    absolute = view.get("byteOffset", 0) + start
    if absolute % SIZES[component or entry["componentType"]]:
        raise refusal("MISALIGNED_ACCESSOR", where=where, start=absolute)
