const TAU = Math.PI * 2;
function leaf(THREE, i) {
  const m = new THREE.Mesh(new THREE.SphereGeometry(0.1, 16, 12), new THREE.MeshStandardMaterial({ color: new THREE.Color().setHSL(i / 8, 0.8, 0.5) }));
  m.position.set(Math.cos(TAU * i / 8) * 0.35, 0, Math.sin(TAU * i / 8) * 0.35);
  return m;
}
export default function generate(THREE) {
  const root = new THREE.Group();
  for (let i = 0; i < 8; i++) root.add(leaf(THREE, i));
  const data = new Uint8Array([255,0,0,255, 0,255,0,255, 0,0,255,255, 255,255,0,255]);
  const map = new THREE.DataTexture(data, 2, 2, THREE.RGBAFormat); map.colorSpace = THREE.SRGBColorSpace; map.needsUpdate = true;
  root.add(new THREE.Mesh(new THREE.BoxGeometry(0.3, 0.3, 0.3), new THREE.MeshStandardMaterial({ map })));
  const many = new THREE.InstancedMesh(new THREE.ConeGeometry(0.03, 0.1, 6), new THREE.MeshStandardMaterial(), 20);
  const m4 = new THREE.Matrix4();
  for (let i = 0; i < 20; i++) { m4.makeTranslation(0.45*Math.cos(i), 0.4, 0.45*Math.sin(i)); many.setMatrixAt(i, m4); many.setColorAt(i, new THREE.Color(0x00ff00)); }
  root.add(many);
  return root;
}
