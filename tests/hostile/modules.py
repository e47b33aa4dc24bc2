"""Three.js modules that miners may send to break a page, a limit or a round.  Each is of a kind of its own.

`inputs()` yields (name, bytes), always the same; names begin with `threejs/`.  Most are to be refused, some are
harmless; none may end in anything but a picture or a refusal whose class is `miner`.
"""
# ruff: noqa: E501

from __future__ import annotations

from collections.abc import Iterator

from tests.judging.hostile_modules import BALL, EXECUTED, GREEDY, HARMLESS, STATIC, TAKEN

DEEDS = {
    "never ends": "() => { for (;;) {} }",
    "throws": "() => { throw new Error('no'); }",
    "answers nonsense": "() => 'é'",
}
# What whoever reads or bakes a scene might call; each is replaced by each deed.
METHODS = {
    "Object": "toString valueOf hasOwnProperty then value get set toJSON",
    "Array": "push pop map forEach join concat slice flat values toJSON length",
    "String": "slice split replace charCodeAt toString toJSON",
    "Number": "toString valueOf toJSON",
    "Map": "get set has",
    "Set": "has add",
    "Uint8Array": "toBase64 set slice buffer",
    "Float32Array": "set subarray buffer toJSON",
    "Function": "call apply bind toString",
    "THREE.BufferGeometry": "setIndex setAttribute toJSON computeVertexNormals",
    "THREE.BufferAttribute": "getX getY getZ clone",
    "THREE.Matrix4": "multiply compose clone copy determinant",
    "THREE.Vector3": "applyMatrix4 fromBufferAttribute toArray",
    "THREE.Object3D": "add traverse updateMatrix updateMatrixWorld",
    "THREE.Mesh": "isMesh raycast copy",
    "THREE.Color": "copy fromArray getHex",
}
OBJECTS = {
    "a promise that never comes": f"const m = {BALL}; m[['th', 'en'].join('')] = () => {{}}; return m;",
    "a geometry without positions": f"const m = {BALL}; m.geometry.attributes.position = null; return m;",
    "positions that are a list": f"const m = {BALL}; m.geometry.attributes.position.array = [1, 2, 3]; return m;",
    "positions of one number": f"const m = {BALL}; m.geometry.attributes.position.itemSize = 1; return m;",
    "positions of nothing": f"const m = {BALL}; m.geometry.attributes.position.itemSize = 0; return m;",
    "positions of a fraction": f"const m = {BALL}; m.geometry.attributes.position.itemSize = 2.5; return m;",
    "a count of infinity": f"const m = {BALL}; m.geometry.attributes.position.count = Infinity; return m;",
    "a count of text": f"const m = {BALL}; m.geometry.attributes.position.count = '9'; return m;",
    "an index beyond": f"const m = {BALL}; m.geometry.index.array.fill(1000000); return m;",
    "an index of floats": f"const m = {BALL}; m.geometry.index.array = new Float32Array(9).fill(NaN); return m;",
    "a range below nothing": f"const m = {BALL}; m.geometry.setDrawRange(-5, -7); return m;",
    "a range of NaN": f"const m = {BALL}; m.geometry.setDrawRange(NaN, NaN); return m;",
    "groups of another thing": f"const m = {BALL}; m.material = [m.material]; m.geometry.groups = [5, null]; return m;",
    "a hundred groups of everything": f"const m = {BALL}; m.material = [m.material]; for (let i = 0; i < 199; i++) m.geometry.addGroup(0, 1e9, 0); return m;",
    "a list of materials that is none": f"const m = {BALL}; m.material = []; return m;",
    "a material of nothing": f"const m = {BALL}; m.material = null; return m;",
    "a colour of text": f"const m = {BALL}; m.material.color.r = 'red'; return m;",
    "a colour of infinity": f"const m = {BALL}; m.material.color.r = Infinity; return m;",
    "children that are a text": f"const m = {BALL}; m.children = 'abc'; return m;",
    "children that are numbers": f"const m = {BALL}; m.children = [1, 2, 3]; return m;",
    "many children": f"const m = {BALL}; m.children.length = 4000000; return m;",
    "a matrix of three numbers": f"const m = {BALL}; m.matrixAutoUpdate = false; m.matrix.elements = [1, 2, 3]; return m;",
    "a matrix that is none": f"const m = {BALL}; m.matrixAutoUpdate = false; m.matrix = null; return m;",
    "a matrix that makes flat": f"const m = {BALL}; m.matrixAutoUpdate = false; m.matrix.makeScale(0, 0, 0); return m;",
    "a turn of nothing": f"const m = {BALL}; m.quaternion.set(0, 0, 0, 0); return m;",
    "instances below nothing": "const m = new THREE.InstancedMesh(new THREE.BoxGeometry(), new THREE.MeshBasicMaterial(), 2); m.count = -9; return m;",
    "instances beyond": "const m = new THREE.InstancedMesh(new THREE.BoxGeometry(), new THREE.MeshBasicMaterial(), 2); m.count = 40000; return m;",
    "instances without places": "const m = new THREE.InstancedMesh(new THREE.BoxGeometry(), new THREE.MeshBasicMaterial(), 2); m.instanceMatrix = null; return m;",
    "colours for fewer": f"const m = {BALL}; m.geometry.setAttribute('color', new THREE.Float32BufferAttribute([1, 1, 1], 3)); m.material.vertexColors = true; return m;",
    "a texture below nothing": f"const m = {BALL}; m.material.map = new THREE.DataTexture(new Uint8Array(4), -1, -1); return m;",
    "a texture of NaN": f"const m = {BALL}; m.material.map = new THREE.DataTexture(new Uint8Array(4), NaN, 1); return m;",
    "a texture turned by NaN": f"const m = {BALL}; m.material.map = new THREE.DataTexture(new Uint8Array(4), 1, 1); m.material.map.rotation = NaN; return m;",
    "a message of 10 MB": "throw new Error('x'.repeat(1e7));",
    "a message that is no text": "const e = new Error(); e.message = { a: 1 }; throw e;",
    "an error that is a symbol": "throw Symbol('x');",
    "a name of 10 MB": f"const m = {BALL}; m.name = 'x'.repeat(1e7); m.material.type = 'é'.repeat(1e6); return m;",
    "a frozen scene": f"return Object.freeze({BALL});",
    "no number is finite": f"const m = {BALL}; m.geometry.attributes.position.array.fill(NaN); return m;",
    "all of it in one point": f"const m = {BALL}; m.geometry.attributes.position.array.fill(0); return m;",
    "all numbers huge": f"const m = {BALL}; m.geometry.attributes.position.array.fill(3e38); return m;",
}


def inputs() -> Iterator[tuple[str, bytes]]:
    """Every hostile module: its name, and its bytes."""
    for name, (_, text) in (STATIC | EXECUTED | GREEDY).items():
        yield f"threejs/{name}", text.encode()
    for name, text in (HARMLESS | TAKEN).items():
        yield f"threejs/{name}", text.encode()
    for name, body in OBJECTS.items():
        yield f"threejs/{name}", _generating(body)
    for owner, methods in METHODS.items():
        for method in methods.split():
            for deed, code in DEEDS.items():
                yield f"threejs/{owner}'s {method} {deed}", _generating(_patching(owner, method, code))
    for owner in ("Object", "Array", "Promise"):
        yield f"threejs/{owner} has a getter", _generating(_defining(owner))
    yield "threejs/not UTF-8", b"export default function generate(THREE) { return '\xe9'; }"
    yield "threejs/NULs", bytes(1000)


def _generating(body: str) -> bytes:
    return f"export default function generate(THREE) {{ {body} }}".encode()


def _patching(owner: str, method: str, code: str) -> str:
    """A shared method, replaced by names that the text does not show."""
    half = len(method) // 2
    hidden = f"const P = ['proto', 'type'].join(''), k = ['{method[:half]}', '{method[half:]}'].join('');"
    return f"const m = {BALL}, owner = {owner}; {hidden} owner[P][k] = {code}; return m;"


def _defining(owner: str) -> str:
    name = "Map" if owner == "Promise" else owner
    hidden = "const P = ['proto', 'type'].join(''), d = ['define', 'Property'].join(''), g = ['g', 'et'].join('');"
    return f"const m = {BALL}; {hidden} const a = {{}}; a[g] = () => {{ for (;;) {{}} }}; const O = Object, N = {name}; O[d](N[P], 'value', a); return m;"
