// A table: classes, closures, lathes and merged loops, as generators write them.
const LEGS = [[-1, -1], [1, -1], [-1, 1], [1, 1]];

class Leg {
  #height;
  constructor(THREE, height) {
    this.three = THREE;
    this.#height = height;
  }

  build(x, z) {
    const { LatheGeometry, Mesh, MeshStandardMaterial, Vector2 } = this.three;
    const profile = Array.from({ length: 9 }, (_, i) => new Vector2(0.02 + 0.01 * Math.sin(i), -this.#height * (i / 8)));
    const leg = new Mesh(new LatheGeometry(profile, 12), new MeshStandardMaterial({ color: 0x8a5a2b, roughness: 0.8 }));
    leg.position.set(x * 0.35, 0.1, z * 0.2);
    return leg;
  }
}

function noise(seed) {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 4294967296;
  };
}

export default function generate(THREE) {
  const root = new THREE.Group(), next = noise(7);
  const top = new THREE.Mesh(new THREE.BoxGeometry(0.8, 0.04, 0.5), new THREE.MeshStandardMaterial({ color: "#b07a3c" }));
  top.position.y = 0.12;
  root.add(top);
  for (const [x, z] of LEGS) root.add(new Leg(THREE, 0.5).build(x, z));
  const crumbs = new THREE.InstancedMesh(new THREE.IcosahedronGeometry(0.006, 0), new THREE.MeshBasicMaterial({ color: 0xffeecc }), 40);
  const matrix = new THREE.Matrix4();
  for (let i = 0; i < crumbs.count; i += 1) crumbs.setMatrixAt(i, matrix.makeTranslation((next() - 0.5) * 0.7, 0.145, (next() - 0.5) * 0.4));
  root.add(crumbs);
  return root;
}
