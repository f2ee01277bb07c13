// Verifies the signature of a code in the browser, as docs/token-format.md has it: link and public keys in, answer out.
//
// It knows no clock, no network and no page. What a good answer means stands there too: this brand made this code, and
// nothing about the thing that carries it. Answers: good, test, forged, withdrawn, undecided, online-only,
// unknown-key, unreadable.

const P = 2n ** 255n - 19n;
const ORDER_8 = 0x7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7n;
const WEAK = new Set([0n, 1n, P - 1n, ORDER_8, P - ORDER_8]);

const ORIGIN = /^https?:\/\/[^/?#]+/i;
const LEGAL = /^(?:[A-Za-z0-9._~:/?#[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*$/;
const PATH = /\/(01\/[0-9]{14}(?:\/22\/[^/]+)?(?:\/10\/[^/]+)?(?:\/21\/[^/]+)?|01\/[0-9]{14}\/235\/[^/]+|00\/[0-9]{18})$/;
const MOST = 2000;

const REVOKED = { "stop-issuing": "good", "from-time": "undecided", run: "undecided" };

// Returns the application identifiers of a link, its primary key and its token; null for what is no link of ours.
export function read(text) {
  if (text.length > MOST || !LEGAL.test(text)) return null;
  const target = text.startsWith("/") ? text : ORIGIN.test(text) ? text.replace(ORIGIN, "") : null;
  if (target === null) return null;
  const [path, ...query] = target.split("#", 1)[0].split("?");
  const found = PATH.exec(path);
  // Two readers could take a semicolon in two ways; the service refuses it too.
  if (!found || query.join("?").includes(";")) return null;
  const words = found[1].split("/");
  const pairs = [];
  for (let at = 0; at < words.length; at += 2) pairs.push([words[at], words[at + 1]]);
  for (const parameter of query.join("?").split("&").filter(Boolean)) {
    const at = parameter.indexOf("=");
    pairs.push(at < 0 ? [parameter, ""] : [parameter.slice(0, at), parameter.slice(at + 1)]);
  }
  const ais = new Map();
  let token = null;
  try {
    for (const [name, value] of pairs.map(([name, value]) => [name, decodeURIComponent(value)])) {
      if (name === "s") {
        if (token !== null) return null;
        token = value;
      } else if (/^[0-9]+$/.test(name)) {
        if (ais.has(name) || !/^[\x20-\x7e]{1,90}$/.test(value)) return null;
        ais.set(name, value);
      }
    }
  } catch {
    return null; // An escape that is no UTF-8.
  }
  return { ais, key: ais.get("01") ?? ais.get("00"), token };
}

// Returns {answer, brand}: what the keys say of the signature, and the UUID of the brand whose code it is.
export async function verify(text, jwks, ed25519 = webcrypto) {
  const link = read(text);
  if (link === null) return { answer: "unreadable", brand: null };
  const members = [...(jwks.keys ?? []), ...(jwks.revoked ?? [])].filter((one) => one.crv === "Ed25519");
  const brand = brandOf(link.key, members);
  if (link.token === null) return { answer: "online-only", brand };
  const raw = decode(link.token);
  if (raw?.length === 15 && raw[0] === 2) return { answer: "online-only", brand };
  if (raw?.length !== 67 || raw[0] !== 1) return { answer: "forged", brand };
  const keyId = raw[1] * 256 + raw[2];
  const member = members.find((one) => one.kid === `${brand}.${keyId}`);
  if (brand === null || member === undefined) return { answer: "unknown-key", brand };
  const key = decode(member.x);
  if (key === null || isWeak(key)) return { answer: "unknown-key", brand };
  if (!(await ed25519(key, raw.slice(3), message(raw, brand, link.ais)))) return { answer: "forged", brand };
  if (member.sandbox === true) return { answer: "test", brand };
  if (member.status !== "revoked") return { answer: "good", brand };
  return { answer: Object.hasOwn(REVOKED, member.mode) ? REVOKED[member.mode] : "withdrawn", brand };
}

// Returns the brand of a GTIN-14 or SSCC: listed, or by the longest company prefix from the second digit on.
export function brandOf(key, members) {
  const listed = members.find((one) => (one.gtins ?? []).includes(key));
  if (listed) return listed.brand_id;
  if (key.length === 14 && key.slice(1, 6) === "00000") return null;
  let best = null;
  for (const one of members) {
    for (const prefix of one.gcp ?? []) {
      if (key.slice(1).startsWith(prefix) && prefix.length > (best?.prefix.length ?? 0)) best = { prefix, brand: one.brand_id };
    }
  }
  return best?.brand ?? null;
}

// Says whether anybody could sign under this key: not 32 bytes, not canonical, or of small order.
export function isWeak(raw) {
  if (raw.length !== 32) return true;
  let y = 0n;
  for (let at = 31; at >= 0; at--) y = (y << 8n) | BigInt(at === 31 ? raw[at] & 127 : raw[at]);
  return y >= P || WEAK.has(y);
}

export async function webcrypto(key, signature, signed) {
  try {
    const imported = await crypto.subtle.importKey("raw", key, { name: "Ed25519" }, false, ["verify"]);
    return await crypto.subtle.verify({ name: "Ed25519" }, imported, signature, signed);
  } catch {
    return false; // Some browsers refuse a key that is no point of the curve as soon as they read it.
  }
}

// Returns the verifier of this browser: its own where it has Ed25519, else the one at *address*.
export async function choose(address) {
  try {
    await crypto.subtle.generateKey({ name: "Ed25519" }, false, ["sign", "verify"]);
    return webcrypto;
  } catch {
    return noble(address);
  }
}

// Returns the verifier of @noble/ed25519, held to RFC 8032: by default it takes points that others refuse.
export async function noble(address) {
  const library = await import(address);
  return async (key, signature, signed) => {
    try {
      return await library.verifyAsync(signature, signed, key, { zip215: false });
    } catch {
      return false; // It throws for what is no point or no scalar.
    }
  };
}

function message(raw, brand, ais) {
  const uuid = brand.replaceAll("-", "").match(/../g).map((two) => parseInt(two, 16));
  const bytes = [...ascii("authsvc/token/"), raw[0], ...uuid, raw[1], raw[2]];
  for (const ai of [...ais.keys()].filter((ai) => ai !== "8030").sort()) {
    for (const part of [ascii(ai), ascii(ais.get(ai))]) bytes.push(part.length, ...part);
  }
  return new Uint8Array(bytes);
}

function ascii(text) {
  return [...text].map((letter) => letter.charCodeAt(0));
}

function decode(text) {
  if (!/^[A-Za-z0-9_-]*$/.test(text) || text.length % 4 === 1) return null;
  const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  // The last character has spare bits: one token, one spelling.
  const again = btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
  return again === text ? Uint8Array.from(binary, (letter) => letter.charCodeAt(0)) : null;
}
