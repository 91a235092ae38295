import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { createPrivateKey, generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SignJWT } from "jose";
import { TestClock } from "../../_test-clock.ts";
import { makeCertificate } from "../../serve/tls/make-certificate.ts";
import { ACCESS_TYPE, REFRESH_TYPE, TokenIssuer } from "./issue-token.ts";
import { loadSigningKey, type SigningKey } from "./signing-key.ts";
import { parseTrustedKeys, trustedKey } from "./trusted-keys.ts";
import { TokenVerifier, type VerifierOptions } from "./verify-token.ts";

const ALICE = { name: "alice", fingerprint: "print" };
const ACCESS = [{ type: "repository", name: "a", actions: ["pull"] }];

let folder: string;
let key: SigningKey;
let clock: TestClock;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "tug-tokens-"));
  key = await loadSigningKey(join(folder, "keys", "token.json"));
  clock = new TestClock();
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function issuer() {
  let ids = 0;
  return new TokenIssuer({
    key,
    issuer: "us",
    service: "registry",
    clock,
    expirySeconds: 300,
    refreshSeconds: 86400,
    newId: () => `token-${ids++}`,
  });
}

function verifier(options: Partial<VerifierOptions> = {}) {
  const keys = trustedKey(key.id, key.publicKey);
  return new TokenVerifier({ keys, issuer: "us", service: "registry", type: ACCESS_TYPE, clock, ...options });
}

/** A token as anybody might make it. */
function forge(
  claims: Record<string, unknown>,
  { alg = "ES256", signWith = key.privateKey as Parameters<SignJWT["sign"]>[0], header = {} } = {},
) {
  const nowSeconds = Number(clock.nowNano() / 1_000_000_000n);
  const all = { iss: "us", aud: "registry", sub: "alice", exp: nowSeconds + 60, access: ACCESS, ...claims };
  return new SignJWT(all).setProtectedHeader({ alg, typ: "JWT", kid: key.id, ...header }).sign(signWith);
}

describe("loadSigningKey()", () => {
  test("makes a key that nobody else can read, and finds it again", async () => {
    const path = join(folder, "keys", "token.json");
    expect((await loadSigningKey(path)).id).toBe(key.id);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(key.publicJwk).toMatchObject({ kty: "EC", crv: "P-256", kid: key.id, alg: "ES256", use: "sig" });
    expect(key.publicJwk).not.toHaveProperty("d");
  });

  test("refuses a file that is something else", async () => {
    const path = join(folder, "other.json");
    for (const text of ["", "{}", "nonsense", JSON.stringify(key.publicJwk)]) {
      writeFileSync(path, text);
      await expect(loadSigningKey(path)).rejects.toThrow(`read signing key "${path}": not a private JWK`);
    }
  });
});

describe("TokenVerifier", () => {
  test("believes what the issuer signed, until it ends", async () => {
    const { token, expiresInSeconds, issuedAt } = await issuer().access(ALICE, ACCESS);
    expect([expiresInSeconds, issuedAt]).toEqual([300, new Date("2027-01-15T08:00:00Z")]);
    const one = verifier();
    expect(await one.verify(token)).toMatchObject({ subject: "alice", access: ACCESS });
    clock.advance(299_000);
    expect(await one.verify(token)).toMatchObject({ subject: "alice" });
    clock.advance(32_000);
    expect(await one.verify(token)).toBeUndefined();
    expect(await verifier().verify(token)).toBeUndefined();
  });

  test("takes a refresh token for no access token, and the other way round", async () => {
    const access = await issuer().access(ALICE, ACCESS);
    const refresh = await issuer().refresh(ALICE);
    expect(await verifier().verify(refresh.token)).toBeUndefined();
    expect(await verifier({ type: REFRESH_TYPE }).verify(access.token)).toBeUndefined();
    expect(await verifier({ type: REFRESH_TYPE }).verify(refresh.token)).toMatchObject({
      payload: { account: "print" },
    });
  });

  test.each([
    ["another issuer", { iss: "them" }],
    ["another service", { aud: "other" }],
    ["no end", { exp: undefined }],
    ["a past end", { exp: 1 }],
    ["a time to come", { nbf: 4_000_000_000 }],
  ])("refuses a token with %s", async (_, claims) => {
    expect(await verifier().verify(await forge(claims))).toBeUndefined();
  });

  test("refuses tokens of other keys and of algorithms that anybody can use", async () => {
    const other = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
    const secret = new TextEncoder().encode(JSON.stringify(key.publicJwk));
    const good = await forge({});
    const [header = "", payload = ""] = good.split(".");
    const none = Buffer.from(JSON.stringify({ alg: "none", typ: "JWT", kid: key.id })).toString("base64url");
    const tokens = [
      await forge({}, { signWith: other }),
      await forge({}, { alg: "HS256", signWith: secret }),
      await forge({}, { header: { kid: "unknown" } }),
      `${none}.${payload}.`,
      `${header}.${Buffer.from('{"sub":"root"}').toString("base64url")}.${good.split(".")[2]}`,
      "",
      "a.b.c",
      "nonsense",
      "....",
    ];
    for (const token of tokens) expect([token, await verifier().verify(token)]).toEqual([token, undefined]);
  });

  test("takes of the access claim what has its form", async () => {
    const access = [
      null,
      1,
      { type: "repository" },
      { type: "repository", name: "a", actions: ["pull", 7] },
      { name: [] },
    ];
    expect((await verifier().verify(await forge({ access })))?.access).toEqual([
      { type: "repository", name: "a", actions: ["pull"] },
    ]);
    expect((await verifier().verify(await forge({ access: "all", sub: undefined })))?.access).toEqual([]);
  });
});

describe("parseTrustedKeys()", () => {
  const now = () => new Date(Number(clock.nowNano() / 1_000_000n));
  const foreign = (text: string) => verifier({ keys: parseTrustedKeys(text, now), issuer: undefined });

  test("reads JSON web keys, alone and in sets, whatever the token calls its key", async () => {
    const { kid: _, ...nameless } = key.publicJwk;
    const other = generateKeyPairSync("rsa", { modulusLength: 2048 }).publicKey.export({ format: "jwk" });
    for (const document of [key.publicJwk, { keys: [other, key.publicJwk] }, { keys: [other, nameless] }]) {
      const token = await forge(
        { iss: "anybody" },
        { header: { kid: document === key.publicJwk ? "AAAA:BBBB" : key.id } },
      );
      expect(await foreign(JSON.stringify(document)).verify(token)).toMatchObject({ subject: "alice" });
    }
  });

  test("reads public keys and certificates as PEM, of any algorithm", async () => {
    const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const ed = generateKeyPairSync("ed25519");
    const pem = [rsa, ed].map(({ publicKey }) => publicKey.export({ type: "spki", format: "pem" })).join("");
    const keys = foreign(pem);
    expect(await keys.verify(await forge({}, { alg: "RS256", signWith: rsa.privateKey }))).toBeDefined();
    expect(await keys.verify(await forge({}, { alg: "EdDSA", signWith: ed.privateKey }))).toBeDefined();
    expect(await keys.verify(await forge({}))).toBeUndefined();
  });

  test("believes a certificate that comes with the token when a trusted authority signed it, and no other", async () => {
    const certified = (issuer: ReturnType<typeof keys>, names?: string[]) => {
      const own = keys();
      return { own, certificate: makeCertificate({ ...dates(), ...own, issuer, ...(names && { names }) }) };
    };
    const ca = keys("authority");
    const authority = makeCertificate({ ...dates(), ...ca, issuer: ca });
    const service = certified(ca, ["tokens.example"]);
    const trusted = foreign(`${authority}`);
    const tokenOf = ({ own, certificate }: ReturnType<typeof certified>, chain = [certificate]) =>
      forge({}, { signWith: own.privateKey, header: { x5c: chain.map(({ raw }) => raw.toString("base64")) } });
    expect(await trusted.verify(await tokenOf(service))).toMatchObject({ subject: "alice" });
    const stranger = keys("authority");
    expect(await trusted.verify(await tokenOf(certified(stranger, ["x"])))).toBeUndefined();
    // A server of the authority is none itself.
    const below = certified({ ...service.own, commonName: "tokens" }, ["x"]);
    expect(await trusted.verify(await tokenOf(below, [below.certificate, service.certificate]))).toBeUndefined();
    clock.advance(2 * 24 * 3600_000);
    expect(await trusted.verify(await tokenOf(service))).toBeUndefined();
  });

  test.each([
    ["", "no key is in it"],
    ["no pem", "no key is in it"],
    ["{", ""],
    ['{"keys":[{"kty":"??"}]}', ""],
    ["-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", ""],
  ])("refuses %j", (text, reason) => {
    expect(() => parseTrustedKeys(text, now)).toThrow(`read keys of the token service: ${reason}`);
  });

  function keys(commonName = "tokens") {
    return { ...generateKeyPairSync("ec", { namedCurve: "P-256" }), commonName };
  }

  function dates() {
    const validFrom = now();
    return { validFrom, validTo: new Date(validFrom.getTime() + 24 * 3600_000), serial: new Uint8Array(16).fill(7) };
  }
});

test("the private key is one of P-256", () => {
  expect(createPrivateKey(key.privateKey.export({ type: "pkcs8", format: "pem" })).asymmetricKeyDetails).toEqual({
    namedCurve: "prime256v1",
  });
});
