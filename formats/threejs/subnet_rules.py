"""Where does this check differ from the subnet's public checker of modules, and why?

`docs/formats.md` and a competition's page show these rows.  The subnet's checker is the one in its public repository:
what its specification lists is taken here, but for what NARROWER names.
"""

from formats.difference import Difference

NARROWER = (
    Difference(
        "MODULE_NOT_TEXT",
        "",
        "bytes that are not UTF-8; control characters; characters that turn text round; invisible characters in code",
        "whoever reviews a module must see what runs; comments and texts may hold any visible or joining character",
        "plain UTF-8",
    ),
    Difference(
        "MODULE_SYNTAX_FORBIDDEN",
        "",
        "a name spelt with escapes (`\\u0061b`); a hash-bang line; `using`",
        "an escaped name hides from whoever reviews; the other two do not run at the subnet either",
        "the letters themselves",
    ),
    Difference(
        "MODULE_PROPERTY",
        "FORBIDDEN_PROPERTY_ACCESS",
        "`constructor`, `__proto__`, `__defineGetter__` and their like in brackets, after `?.` or taken apart",
        "it is the same way to the makers of code as after a dot, where both refuse it",
        "classes, `Object.getPrototypeOf`, `Object.defineProperty`",
    ),
    Difference(
        "MODULE_PROPERTY",
        "",
        "`onBeforeRender`, `onAfterRender`, `onBeforeShadow`, `onAfterShadow`, `onBeforeCompile`, "
        "`customProgramCacheKey`, `customDepthMaterial`, `customDistanceMaterial`",
        "they are code or shader text for when pictures are taken; only what `generate` built is judged",
        "build it in `generate`",
    ),
    Difference(
        "MODULE_GLOBAL",
        "",
        "`Promise`, `Intl`",
        "what waits is never run, and `Intl` tells the time; the subnet's specification does not list them either",
        "plain functions",
    ),
    Difference(
        "MODULE_MATH",
        "FORBIDDEN_IDENTIFIER",
        "`Math.random` taken apart or after `?.`",
        "it is chance however it is spelt",
        "a generator of your own with a fixed seed",
    ),
    Difference(
        "MODULE_ASSIGNED_GLOBAL",
        "",
        "a value for a name of JavaScript (`Math = …`) or, as `MODULE_GLOBAL`, for a name that nothing declares",
        "everything in the page shares it",
        "declare a name of your own",
    ),
    Difference(
        "MODULE_CHANGED_BUILTIN",
        "",
        "a property set on an object of JavaScript or a class of three.js (`Array.prototype.last = …`)",
        "everything in the page shares it",
        "functions and subclasses of your own",
    ),
    Difference(
        "MODULE_CHANGES",
        "",
        "two runs that build different bytes",
        "a round can only be judged, and judged again, if a module builds one thing",
        "no chance and no time",
    ),
    Difference(
        "MODULE_TOO_COMPLEX",
        "",
        "more than 1,500,000 nodes of syntax, or 20,000 inside each other",
        "the check must end",
        "loops and functions",
    ),
    Difference(
        "MODULE_VERTICES",
        "VERTEX_LIMIT_EXCEEDED",
        "more than 2,900,000 vertices drawn by all instances and pieces together, 6 for a point and a line's piece; "
        "as `TOO_MANY_TRIANGLES`, more than 2,000,000 triangles",
        "what is built is baked into one file",
        "fewer segments in what is repeated",
    ),
    Difference(
        "MODULE_DRAWS",
        "DRAW_CALL_LIMIT_EXCEEDED",
        "more than 2,000 pieces with a material of their own, by lists of materials",
        "what is built is baked into one file",
        "fewer materials in a list",
    ),
    Difference(
        "MODULE_TEXTURES",
        "TEXTURE_DATA_EXCEEDED",
        "more than 4,194,304 texels in all, whatever the bytes; as `IMAGE_TOO_LARGE`, more than 8,192 on a side",
        "a texture is made as large as it says it is",
        "smaller textures",
    ),
    Difference(
        "MODULE_UNSUPPORTED",
        "",
        "morph targets that are turned up; no material, or one that is not three.js's; more than 100,000 objects",
        "the subnet's specification forbids the first, its renderer breaks on the second; the reading must end",
        "the listed classes",
    ),
    Difference("NOT_FINITE", "", "a vertex or transform that is no number", "it cannot be measured", "finite numbers"),
    Difference(
        "NO_GEOMETRY",
        "EMPTY_SCENE",
        "a scene of which nothing is shown: all hidden, or no whole triangle, line or point",
        "there is nothing to judge",
        "something visible",
    ),
)
WIDER = (
    Difference(
        "",
        "THREE_ALIAS_FORBIDDEN",
        "`THREE` under another name, in a list, as any argument",
        "what is handed over throws on every name that is not listed, however it is asked",
    ),
    Difference(
        "",
        "FORBIDDEN_IDENTIFIER",
        "names of your own like `process` or `document`",
        "a name of one's own leads nowhere",
    ),
    Difference(
        "",
        "BOUNDING_BOX_OUT_OF_RANGE",
        "bounds up to 0.01 outside of ±0.5; hidden objects, unused vertices and the corners of rotated boxes outside",
        "only what is drawn is measured, vertex by vertex",
    ),
    Difference("", "INVALID_RETURN_TYPE", "an `Object3D` as the root", "it is read like a `Group`"),
    Difference(
        "",
        "FORBIDDEN_THREE_API",
        "`MeshLambertMaterial`, `MeshPhongMaterial`, `MeshToonMaterial`",
        "they are drawn as three.js draws them",
    ),
    Difference(
        "",
        "UNKNOWN_THREE_API",
        "`ShapeUtils`, `ShapePath`, `InstancedBufferAttribute`, `UVMapping`, `REVISION`",
        "they are three.js's own and harmless",
    ),
    Difference("", "EXECUTION_THREW", "values declared after `export default`", "the module is loaded as a module"),
)

DIFFERENCES = (NARROWER, WIDER)


def rows(differences: tuple[Difference, ...]) -> list[str]:
    """As a table of Markdown has them."""
    codes = [[f"`{code}`" if code else "–" for code in (each.ours, each.theirs)] for each in differences]
    cells = [(*codes[i], each.what, each.why, each.instead) for i, each in enumerate(differences)]
    return ["| " + " | ".join(cell for cell in row if cell) + " |" for row in cells]
