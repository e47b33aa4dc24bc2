// How do Gaussian splats look from a camera?  Projected as ellipses (EWA, Zwicker et al. 2001, as 3D Gaussian Splatting,
// Kerbl et al. 2023, does), back to front, coloured by spherical harmonics.  Colours are mixed display-encoded, as trained.
const ACROSS = 2048;  // texels in a row of the tables
const C0 = 0.28209479177387814, C1 = 0.4886025119029199;
const C2 = [1.0925484305920792, -1.0925484305920792, 0.31539156525252005, -1.0925484305920792, 0.5462742152960396];
const C3 = [-0.5900435899266435, 2.890611442640554, -0.4570457994644658, 0.3731763325901154, -0.4570457994644658,
  1.445305721320277, -0.5900435899266435];
const BUCKETS = 65536;
const PER_DEGREE = [0, 3, 8, 15];

const VERTEX = `precision highp float; precision highp int; precision highp sampler2D;
uniform mat4 projectionMatrix, modelViewMatrix; uniform vec2 focal, viewport; uniform sampler2D table, colours;
in vec3 position; in uint splat; out vec4 tint; out vec2 place;
void main() {
  int row = int(splat) / ${ACROSS}, column = int(splat) % ${ACROSS};
  vec4 a = texelFetch(table, ivec2(column, row * 3), 0), b = texelFetch(table, ivec2(column, row * 3 + 1), 0);
  vec4 seen = modelViewMatrix * vec4(a.xyz, 1.0), clip = projectionMatrix * seen;
  gl_Position = vec4(0.0, 0.0, 2.0, 1.0);
  tint = texelFetch(colours, ivec2(column, row), 0);
  if (seen.z > -0.05 || tint.a < 1.0 / 255.0) return;
  float c = texelFetch(table, ivec2(column, row * 3 + 2), 0).x;
  mat3 sigma = mat3(a.w, b.x, b.y, b.x, b.z, b.w, b.y, b.w, c);
  vec2 most = 1.3 * viewport / (2.0 * focal);
  vec2 t = clamp(seen.xy / seen.z, -most, most) * seen.z;
  mat3 jacobian = mat3(-focal.x / seen.z, 0.0, 0.0, 0.0, -focal.y / seen.z, 0.0,
    focal.x * t.x / (seen.z * seen.z), focal.y * t.y / (seen.z * seen.z), 0.0);
  mat3 flat_ = jacobian * mat3(modelViewMatrix);
  mat3 spread = flat_ * sigma * transpose(flat_);
  float x = spread[0][0] + 0.3, y = spread[1][1] + 0.3, xy = spread[0][1];
  float middle = 0.5 * (x + y), off = length(vec2(0.5 * (x - y), xy));
  float long_ = middle + off, short_ = max(middle - off, 0.1);
  vec2 along = abs(xy) < 1e-6 ? (x >= y ? vec2(1.0, 0.0) : vec2(0.0, 1.0)) : normalize(vec2(xy, long_ - x));
  place = position.xy * 2.1213;
  vec2 offset = place.x * sqrt(2.0 * long_) * along + place.y * sqrt(2.0 * short_) * vec2(along.y, -along.x);
  gl_Position = vec4(clip.xy / clip.w + offset * 2.0 / viewport, clip.z / clip.w, 1.0);
}`;
const FRAGMENT = `precision highp float; in vec4 tint; in vec2 place; out vec4 shown;
void main() {
  float alpha = tint.a * exp(-dot(place, place));
  if (alpha < 1.0 / 255.0) discard;
  shown = vec4(tint.rgb * alpha, alpha);
}`;

/** `splats`: count, centers (3 floats each), covariances (6), dc (3), opacity (1), degree and rest (3 per coefficient, rgb together). */
export function Splats(three, splats) {
  const geometry = new three.InstancedBufferGeometry();
  geometry.setAttribute("position", new three.BufferAttribute(new Float32Array([-1, -1, 0, 1, -1, 0, 1, 1, 0, -1, 1, 0]), 3));
  geometry.setIndex([0, 1, 2, 0, 2, 3]);
  const order = new three.InstancedBufferAttribute(new Uint32Array(splats.count), 1);
  order.gpuType = three.IntType;
  geometry.setAttribute("splat", order);
  geometry.instanceCount = splats.count;
  const rows = Math.max(1, Math.ceil(splats.count / ACROSS));
  const table = texture(three, tableOf(splats, rows), rows * 3, three.FloatType);
  const colours = texture(three, new Uint8Array(ACROSS * rows * 4), rows, three.UnsignedByteType);
  const uniforms = { focal: { value: new three.Vector2() }, viewport: { value: new three.Vector2() }, table: { value: table }, colours: { value: colours } };
  const material = new three.RawShaderMaterial({
    vertexShader: VERTEX, fragmentShader: FRAGMENT, uniforms, glslVersion: three.GLSL3, transparent: true, side: 2 /* both */, depthTest: false, depthWrite: false,
    blending: three.CustomBlending, blendSrc: three.OneFactor, blendDst: three.OneMinusSrcAlphaFactor, premultipliedAlpha: true,
  });
  const mesh = new three.Mesh(geometry, material);
  Object.assign(mesh, { isSplats: true, frustumCulled: false, count: splats.count, centers: splats.centers });
  mesh.see = (camera, renderer) => {
    camera.updateMatrixWorld();
    mesh.updateMatrixWorld();
    renderer.getDrawingBufferSize(uniforms.viewport.value);
    const { elements } = camera.projectionMatrix, { x, y } = uniforms.viewport.value;
    uniforms.focal.value.set(elements[0] * x / 2, elements[5] * y / 2);
    sort(splats, order.array, camera.matrixWorldInverse.elements);
    order.needsUpdate = true;
    paint(splats, colours.image.data, camera.position);
    colours.needsUpdate = true;
  };
  return mesh;
}

function texture(three, data, rows, type) {
  const made = new three.DataTexture(data, ACROSS, rows, three.RGBAFormat, type);
  Object.assign(made, { magFilter: three.NearestFilter, minFilter: three.NearestFilter, generateMipmaps: false, needsUpdate: true });
  return made;
}

function tableOf({ count, centers, covariances: spread }, rows) {
  const table = new Float32Array(ACROSS * rows * 3 * 4);
  for (let i = 0; i < count; i++) {
    const column = i % ACROSS, row = (i - column) / ACROSS, at = (part) => ((row * 3 + part) * ACROSS + column) * 4;
    table.set([centers[3 * i], centers[3 * i + 1], centers[3 * i + 2], spread[6 * i]], at(0));
    table.set(spread.subarray(6 * i + 1, 6 * i + 5), at(1));
    table[at(2)] = spread[6 * i + 5];
  }
  return table;
}

/** Back to front by depth, in buckets: the same order for the same camera, always. */
function sort({ count, centers }, order, view) {
  const depths = new Float32Array(count);
  let near = -Infinity, far = Infinity;
  for (let i = 0; i < count; i++) {
    const depth = view[2] * centers[3 * i] + view[6] * centers[3 * i + 1] + view[10] * centers[3 * i + 2];
    depths[i] = depth;
    if (depth > near) near = depth;
    if (depth < far) far = depth;
  }
  const scale = (BUCKETS - 1) / Math.max(near - far, 1e-9), starts = new Uint32Array(BUCKETS + 1), buckets = new Uint16Array(count);
  for (let i = 0; i < count; i++) starts[(buckets[i] = Math.floor((depths[i] - far) * scale)) + 1]++;
  for (let i = 0; i < BUCKETS; i++) starts[i + 1] += starts[i];
  for (let i = 0; i < count; i++) order[starts[buckets[i]]++] = i;
}

function paint({ count, centers, dc, opacity, degree, rest }, into, eye) {
  const each = PER_DEGREE[degree] * 3, factors = new Float64Array(15);
  for (let i = 0; i < count; i++) {
    let red = 0.5 + C0 * dc[3 * i], green = 0.5 + C0 * dc[3 * i + 1], blue = 0.5 + C0 * dc[3 * i + 2];
    if (degree) {
      harmonics(factors, centers[3 * i] - eye.x, centers[3 * i + 1] - eye.y, centers[3 * i + 2] - eye.z, degree);
      for (let k = 0, at = i * each; k < PER_DEGREE[degree]; k++, at += 3) {
        red += factors[k] * rest[at];
        green += factors[k] * rest[at + 1];
        blue += factors[k] * rest[at + 2];
      }
    }
    into[4 * i] = byte(red);
    into[4 * i + 1] = byte(green);
    into[4 * i + 2] = byte(blue);
    into[4 * i + 3] = byte(opacity[i]);
  }
}

const byte = (value) => Math.max(0, Math.min(255, Math.round(value * 255)));

function harmonics(into, dx, dy, dz, degree) {
  const length = Math.hypot(dx, dy, dz) || 1, x = dx / length, y = dy / length, z = dz / length;
  into[0] = -C1 * y; into[1] = C1 * z; into[2] = -C1 * x;
  if (degree < 2) return;
  const xx = x * x, yy = y * y, zz = z * z;
  into[3] = C2[0] * x * y; into[4] = C2[1] * y * z; into[5] = C2[2] * (2 * zz - xx - yy); into[6] = C2[3] * x * z; into[7] = C2[4] * (xx - yy);
  if (degree < 3) return;
  into[8] = C3[0] * y * (3 * xx - yy); into[9] = C3[1] * x * y * z; into[10] = C3[2] * y * (4 * zz - xx - yy);
  into[11] = C3[3] * z * (2 * zz - 3 * xx - 3 * yy); into[12] = C3[4] * x * (4 * zz - xx - yy);
  into[13] = C3[5] * z * (xx - yy); into[14] = C3[6] * x * (xx - 3 * yy);
}

function empty(count, degree) {
  return { count, degree, centers: new Float32Array(3 * count), covariances: new Float32Array(6 * count),
    dc: new Float32Array(3 * count), opacity: new Float32Array(count), rest: new Float32Array(3 * PER_DEGREE[degree] * count) };
}

/** Sigma = R S S^T R^T of a rotation (w, x, y, z) and three scales, as its six numbers. */
function spread(into, i, [w, x, y, z], scales) {
  const length = Math.hypot(w, x, y, z) || 1;
  w /= length; x /= length; y /= length; z /= length;
  const r = [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y), 2 * (x * y + w * z), 1 - 2 * (x * x + z * z),
    2 * (y * z - w * x), 2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)];
  const [a, b, c] = scales.map((each) => each * each);
  let at = 6 * i;
  for (const [m, n] of [[0, 0], [0, 1], [0, 2], [1, 1], [1, 2], [2, 2]])
    into[at++] = r[3 * m] * r[3 * n] * a + r[3 * m + 1] * r[3 * n + 1] * b + r[3 * m + 2] * r[3 * n + 2] * c;
}

const ROW = ["x y z", "f_dc_0 f_dc_1 f_dc_2", "opacity", "scale_0 scale_1 scale_2", "rot_0 rot_1 rot_2 rot_3"].join(" ").split(" ").length;

/** `count` rows of `wide` floats, without a header: Splats.rows of formats/ply/examine.py, which alone reads a ply. */
export function fromRows(bytes, { count, wide }) {
  const rests = (wide - ROW) / 3, degree = PER_DEGREE.indexOf(rests), splats = empty(count, degree);
  const values = new Float32Array(bytes);
  if (degree < 0 || values.length !== count * wide) throw new Error("These are no rows of splats.");
  for (let i = 0, row = 0; i < count; i++, row += wide) {
    splats.centers.set(values.subarray(row, row + 3), 3 * i);
    splats.dc.set(values.subarray(row + 3, row + 6), 3 * i);
    splats.opacity[i] = 1 / (1 + Math.exp(-values[row + 6]));
    spread(splats.covariances, i, values.subarray(row + 10, row + 14), [7, 8, 9].map((k) => Math.exp(values[row + k])));
    for (let k = 0; k < 3 * rests; k++) splats.rest[i * 3 * rests + k] = values[row + ROW + (k % 3) * rests + Math.floor(k / 3)];
  }
  return splats;
}

/** SPZ version 2 (github.com/nianticlabs/spz), as formats/ply/spz.py writes it. */
export async function fromSpz(packed) {
  const unpacked = new Response(new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip")));
  const bytes = new Uint8Array(await unpacked.arrayBuffer()), head = new DataView(bytes.buffer);
  if (head.getUint32(0, true) !== 0x5053474e || head.getUint32(4, true) !== 2) throw new Error("This file is not an SPZ of version 2.");
  const count = head.getUint32(8, true), degree = bytes[12], unit = 1 / (1 << bytes[13]), splats = empty(count, degree);
  const each = 3 * PER_DEGREE[degree];
  const [at, alpha, colour, scale, turn, rest] = [9, 1, 3, 3, 3, each].reduce((starts, size) => [...starts, starts.at(-1) + size * count], [16]);
  for (let i = 0; i < 3 * count; i++) {
    const k = at + 3 * i;
    splats.centers[i] = ((bytes[k] | bytes[k + 1] << 8 | bytes[k + 2] << 16) << 8 >> 8) * unit;
    splats.dc[i] = (bytes[colour + i] / 255 - 0.5) / 0.15;
  }
  for (let i = 0; i < count; i++) {
    splats.opacity[i] = bytes[alpha + i] / 255;
    const [x, y, z] = [0, 1, 2].map((k) => bytes[turn + 3 * i + k] / 127.5 - 1), w = Math.sqrt(Math.max(0, 1 - x * x - y * y - z * z));
    spread(splats.covariances, i, [w, x, y, z], [0, 1, 2].map((k) => Math.exp(bytes[scale + 3 * i + k] / 16 - 10)));
  }
  for (let i = 0; i < each * count; i++) splats.rest[i] = (bytes[rest + i] - 128) / 128;
  return splats;
}
