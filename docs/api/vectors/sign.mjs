// Sign a request to the API with a hotkey.  Needs `npm install @scure/sr25519 @scure/base`, nothing else.
//
//     node sign.mjs check signatures.json                                    the test vectors beside this file
//     node sign.mjs GET http://127.0.0.1:8000/api/v1/me/standing 0x<seed> <hotkey>
import { createHash, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";

/** The bytes to sign: `path` with its query, as it is sent; `timestamp` in milliseconds. */
export function message({ method, host, path, body, timestamp, nonce }) {
  const digest = createHash("sha256").update(body).digest("hex");
  return Buffer.from(["gauntlet/1", method, host, path, digest, String(timestamp), nonce].join("\n"));
}

export async function headers(seed, hotkey, method, url, body = "") {
  const sr25519 = await import("@scure/sr25519");
  const { host, pathname, search } = new URL(url);
  const timestamp = Date.now();
  const nonce = randomBytes(18).toString("base64url");
  const text = message({ method, host, path: pathname + search, body, timestamp, nonce });
  const signature = sr25519.sign(sr25519.secretFromSeed(seed), text);
  return {
    "Gauntlet-Hotkey": hotkey,
    "Gauntlet-Timestamp": String(timestamp),
    "Gauntlet-Nonce": nonce,
    "Gauntlet-Signature": Buffer.from(signature).toString("hex"),
  };
}

/** Are these the vectors' texts, and, where the library is there, do their signatures hold or not as they say? */
async function check(path) {
  const sr25519 = await import("@scure/sr25519").catch(() => null);
  const { public_key, vectors } = JSON.parse(readFileSync(path, "utf8"));
  for (const vector of vectors) {
    const text = message({ ...vector, body: Buffer.from(vector.body_hex, "hex") });
    if (text.toString("hex") !== vector.message_hex) throw new Error(`${vector.name}: another text`);
    if (!sr25519) continue;
    const wrapped = Buffer.concat([Buffer.from("<Bytes>"), text, Buffer.from("</Bytes>")]);
    const signature = Buffer.from(vector.signature, "hex");
    const holds = [text, wrapped].some((form) => sr25519.verify(form, signature, Buffer.from(public_key, "hex")));
    if (holds !== vector.holds) throw new Error(`${vector.name}: the signature ${holds ? "holds" : "does not hold"}`);
  }
  console.log(`${vectors.length} vectors: texts ${sr25519 ? "and signatures" : "only (no @scure/sr25519 here)"}`);
}

const [first, second, seed, hotkey] = process.argv.slice(2);
if (first === "check") await check(second);
else if (first) {
  const signed = await headers(Buffer.from(seed.replace(/^0x/, ""), "hex"), hotkey, first, second);
  console.log(await (await fetch(second, { method: first, headers: signed })).text());
}
