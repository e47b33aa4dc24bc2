// Where is a mesh at fault?  Its defects in colours, drawn over it in the viewer, in the mesh's own space.  `marks` are those of
// formats/integrity/marks.py; the form of a file of positions is that of formats/integrity/defect_positions.py, and a test compares.
export const MAGIC = "GNTFAULT", VERSION = 1, MOST_SHOWN = 10_000, REACH = 1;
const HEADER = 12, COUNTS = 8, FLOAT = 4;
const BAR = 0.006, CROSS = 0.024;  // a bar's width along an edge and, twice as wide, a cross's reach from its vertex, as in the judge's picture
const HIDDEN = 0.25;  // how much of a mark is solid where the mesh hides it
const NEARER = 0.998;  // each point comes so much closer to the camera: no pixel moves, and the faces on which a mark lies do not hide it
const DOUBLE = 2;  // three.DoubleSide
const SIDES = [0, 1, 4, 0, 4, 3, 1, 2, 5, 1, 5, 4, 2, 0, 3, 2, 3, 5];

/** Of each mark how many defects there are, and the positions of those that the file shows.  Throws what is shown to a visitor. */
export function read(bytes, marks) {
  const head = new DataView(bytes), first = HEADER + COUNTS * marks.length;
  const refuse = (why) => { throw new Error(`This is no file of defects: ${why}.`); };
  if (bytes.byteLength < first) refuse("it ends too early");
  if (String.fromCharCode(...new Uint8Array(bytes, 0, MAGIC.length)) !== MAGIC || head.getUint32(MAGIC.length, true) !== VERSION)
    refuse("it begins otherwise");
  const rows = marks.map((mark, i) => {
    const at = HEADER + COUNTS * i;
    return { mark, counted: head.getUint32(at, true), shown: head.getUint32(at + 4, true) };
  });
  if (rows.some(({ counted, shown }) => shown !== Math.min(counted, MOST_SHOWN))) refuse("it shows other counts than it may");
  const floats = ({ mark, shown }) => 3 * mark.corners * shown;
  if (bytes.byteLength !== first + FLOAT * rows.reduce((sum, row) => sum + floats(row), 0)) refuse("its length is not that of its counts");
  let at = first;
  for (const row of rows) {
    row.positions = new Float32Array(floats(row)).map((_, i) => head.getFloat32(at + FLOAT * i, true));
    at += FLOAT * row.positions.length;
    if (!row.positions.every((each) => Math.abs(each) <= REACH)) refuse("a position is outside of what is drawn");
  }
  return rows;
}

/** The marks as a scene of their own, so that what is done to the mesh's materials is not done to them. */
export class Overlay {
  constructor(three, rows) {
    this.scene = new three.Scene();
    this.group = new three.Group();
    this.scene.add(this.group);
    this.shown = rows.reduce((sum, { shown }) => sum + shown, 0);
    rows.filter(({ shown }) => shown).forEach((row, place) => {
      const geometry = geometryOf(three, row);
      // Of several marks in one place the first is seen; all that is hidden lies below all that is not.
      for (const [hidden, order] of [[true, -place], [false, rows.length - place]]) {
        const look = hidden ? { opacity: HIDDEN, depthTest: false, depthWrite: false } : {};
        const part = new three.Mesh(geometry, new three.MeshBasicMaterial({
          color: new three.Color(...row.mark.colour), side: DOUBLE, toneMapped: false, transparent: true, ...look,
        }));
        part.renderOrder = order;
        this.group.add(part);
      }
    });
  }

  /** Over the picture that `renderer` has just drawn from `camera`. */
  draw(renderer, camera) {
    this.group.scale.setScalar(NEARER);
    this.group.position.copy(camera.position).multiplyScalar(1 - NEARER);
    renderer.autoClear = false;
    renderer.render(this.scene, camera);
    renderer.autoClear = true;
  }
}

function geometryOf(three, { mark, positions }) {
  if (mark.corners === 3) return geometry(three, positions);
  return mark.corners === 2 ? bars(three, positions, BAR) : bars(three, crosses(positions), 2 * BAR);
}

function geometry(three, positions, index) {
  const made = new three.BufferGeometry();
  made.setAttribute("position", new three.BufferAttribute(positions, 3));
  if (index) made.setIndex(new three.BufferAttribute(index, 1));
  return made;
}

/** Of each vertex three segments. */
function crosses(points) {
  const segments = new Float32Array(6 * points.length);
  for (let i = 0; i < segments.length; i++) {
    const vertex = Math.floor(i / 18), axis = Math.floor(i / 6) % 3, end = Math.floor(i / 3) % 2, along = i % 3;
    segments[i] = points[3 * vertex + along] + (along === axis ? (end ? CROSS : -CROSS) : 0);
  }
  return segments;
}

/** A three-sided bar along each segment: of its six corners three at each end.  Lines would be one pixel wide. */
function bars(three, segments, width) {
  const count = segments.length / 6, corners = new Float32Array(18 * count), index = new Uint32Array(18 * count);
  const ends = [new three.Vector3(), new three.Vector3()], [across, up, corner] = [new three.Vector3(), new three.Vector3(), new three.Vector3()];
  for (let i = 0; i < count; i++) {
    ends.forEach((end, place) => end.fromArray(segments, 6 * i + 3 * place));
    const along = corner.copy(ends[1]).sub(ends[0]), sizes = along.toArray().map(Math.abs);
    const least = sizes.indexOf(Math.min(...sizes));
    across.set(0, 0, 0).setComponent(least, 1).cross(along).normalize();
    up.copy(along).cross(across).normalize();
    for (let k = 0; k < 6; k++) {
      const turn = 2 * Math.PI * (k % 3) / 3;
      corner.copy(ends[k < 3 ? 0 : 1]).addScaledVector(across, width / 2 * Math.cos(turn)).addScaledVector(up, width / 2 * Math.sin(turn));
      corner.toArray(corners, 18 * i + 3 * k);
    }
    index.set(SIDES.map((each) => 6 * i + each), 18 * i);
  }
  return geometry(three, corners, index);
}
