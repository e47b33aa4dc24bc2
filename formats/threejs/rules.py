"""Which rules must a Three.js module keep?  Those with {line} follow from its text, the others from what it builds."""

from formats.rule import Rule

MODULE_RULES: dict[str, Rule] = {
    # the text
    "MODULE_TOO_LARGE": Rule(
        "the module has {bytes} bytes, the limit is {limit}", "build shapes by loops and functions"
    ),
    "MODULE_NOT_TEXT": Rule("line {line}: {why}", "write plain UTF-8 without invisible characters"),
    "MODULE_SYNTAX": Rule("line {line}: this is no JavaScript: {text}", "check the module with `node --check`"),
    "MODULE_TOO_COMPLEX": Rule("line {line}: {why}", "write less code, or nest it less"),
    "MODULE_EXPORT": Rule(
        "line {line}: {why}", "export one function: export default function generate(THREE) { return object; }"
    ),
    "MODULE_IMPORT": Rule("line {line}: {what}", "import nothing; three.js is handed to generate(THREE)"),
    "MODULE_SYNTAX_FORBIDDEN": Rule(
        "line {line}: {what} is not allowed", "write it with functions, loops and objects, and names letter by letter"
    ),
    "MODULE_ASYNC": Rule("line {line}: {what}", "build everything at once; nothing that waits is run"),
    "MODULE_GLOBAL": Rule(
        "line {line}: the name {name} is not offered", "use what you declare, THREE, and plain JavaScript values"
    ),
    "MODULE_ASSIGNED_GLOBAL": Rule("line {line}: {name} is changed", "declare a name of your own"),
    "MODULE_PROPERTY": Rule(
        "line {line}: the property {name} is not allowed",
        "it leads out of plain data, or to code that would run while pictures are taken; write it another way",
    ),
    "MODULE_COMPUTED_NAME": Rule(
        "line {line}: a property of {name} is taken in brackets", "write the property's name after a dot"
    ),
    "MODULE_CHANCE": Rule(
        "line {line}: {name} gives another value each time", "write a generator of your own with a fixed seed"
    ),
    "MODULE_MATH": Rule("line {line}: Math.{name} is not offered", "see the list of names in docs/formats.md"),
    "MODULE_THREE": Rule("line {line}: THREE.{name} is not offered", "see the list of names in docs/formats.md"),
    "MODULE_LITERALS": Rule(
        "line {line}: texts and numbers written out have more than {limit} bytes",
        "compute shapes instead of storing them",
    ),
    # what it does
    "MODULE_TOO_SLOW": Rule("it used more than {limit} seconds of processor time", "use fewer loops"),
    "MODULE_TOO_MUCH_MEMORY": Rule("it used more than {limit} MB of memory", "keep fewer objects at a time"),
    "MODULE_THREW": Rule("calling generate(THREE) threw: {why}", "run it with three.js 0.183.2 before you publish it"),
    "MODULE_CHANGED_BUILTIN": Rule(
        "running it changed {what}, which is shared", "leave the objects of JavaScript and three.js as they are"
    ),
    "MODULE_RETURNED": Rule(
        "the call of generate(THREE) returned {what}", "return one Group, Mesh, LineSegments or Points"
    ),
    "MODULE_UNSUPPORTED": Rule("{what} cannot be judged", "use the objects, materials and textures in docs/formats.md"),
    "MODULE_VERTICES": Rule("{count} vertices are built, the limit is {limit}", "use fewer segments"),
    "MODULE_DRAWS": Rule("{count} {what} are built, the limit is {limit}", "merge geometries, or use InstancedMesh"),
    "MODULE_DEPTH": Rule("objects are nested deeper than {limit}", "flatten the hierarchy"),
    "MODULE_INSTANCES": Rule("{count} instances are built, the limit is {limit}", "use fewer instances"),
    "MODULE_TEXTURES": Rule("textures hold {bytes} bytes, the limit is {limit}", "use smaller textures"),
    "MODULE_CHANGES": Rule(
        "it built two different things in two runs", "use no chance and no time; seed a generator of your own"
    ),
}
