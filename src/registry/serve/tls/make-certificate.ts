import { createHash, type KeyObject, sign, X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import { AsnConvert, OctetString } from "@peculiar/asn1-schema";
import {
  AlgorithmIdentifier,
  AttributeTypeAndValue,
  AttributeValue,
  AuthorityKeyIdentifier,
  BasicConstraints,
  Certificate,
  ExtendedKeyUsage,
  Extension,
  Extensions,
  GeneralName,
  id_ce_authorityKeyIdentifier,
  id_ce_basicConstraints,
  id_ce_extKeyUsage,
  id_ce_keyUsage,
  id_ce_subjectAltName,
  id_ce_subjectKeyIdentifier,
  id_kp_serverAuth,
  KeyIdentifier,
  KeyUsage,
  KeyUsageFlags,
  Name,
  RelativeDistinguishedName,
  SubjectAlternativeName,
  SubjectKeyIdentifier,
  SubjectPublicKeyInfo,
  TBSCertificate,
  Validity,
  Version,
} from "@peculiar/asn1-x509";

const COMMON_NAME = "2.5.4.3";
/** ecdsa-with-SHA256 (RFC 5758). */
const ECDSA_SHA256 = "1.2.840.10045.4.3.2";

/** What a certificate is to say. Keys are on P-256. */
export interface CertificateRequest {
  readonly commonName: string;
  readonly publicKey: KeyObject;
  /** Who signs: itself, for an authority. */
  readonly issuer: { readonly commonName: string; readonly publicKey: KeyObject; readonly privateKey: KeyObject };
  readonly validFrom: Date;
  readonly validTo: Date;
  /** 16 unguessable bytes. */
  readonly serial: Uint8Array;
  /** Host names and addresses of a server; undefined for an authority. */
  readonly names?: readonly string[];
}

/** Signs a certificate of a server, or of the authority that signs such (RFC 5280). */
export function makeCertificate(request: CertificateRequest): X509Certificate {
  const { issuer } = request;
  const algorithm = new AlgorithmIdentifier({ algorithm: ECDSA_SHA256 });
  const tbsCertificate = new TBSCertificate({
    version: Version.v3,
    serialNumber: serialNumber(request.serial),
    signature: algorithm,
    issuer: nameOf(issuer.commonName),
    validity: new Validity({ notBefore: request.validFrom, notAfter: request.validTo }),
    subject: nameOf(request.commonName),
    subjectPublicKeyInfo: AsnConvert.parse(derOf(request.publicKey), SubjectPublicKeyInfo),
    extensions: new Extensions([
      extension(id_ce_subjectKeyIdentifier, new SubjectKeyIdentifier(keyIdentifier(request.publicKey))),
      extension(
        id_ce_authorityKeyIdentifier,
        new AuthorityKeyIdentifier({ keyIdentifier: new KeyIdentifier(keyIdentifier(issuer.publicKey)) }),
      ),
      ...(request.names === undefined ? authorityExtensions() : serverExtensions(request.names)),
    ]),
  });
  const signed = AsnConvert.serialize(tbsCertificate);
  const signatureValue = sign("sha256", new Uint8Array(signed), issuer.privateKey);
  const certificate = new Certificate({
    tbsCertificate,
    signatureAlgorithm: algorithm,
    signatureValue: new Uint8Array(signatureValue).buffer,
  });
  return new X509Certificate(Buffer.from(AsnConvert.serialize(certificate)));
}

function authorityExtensions(): Extension[] {
  return [
    extension(id_ce_basicConstraints, new BasicConstraints({ cA: true, pathLenConstraint: 0 }), true),
    extension(id_ce_keyUsage, new KeyUsage(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign), true),
  ];
}

function serverExtensions(names: readonly string[]): Extension[] {
  const alternatives = names.map((name) => new GeneralName(isIP(name) === 0 ? { dNSName: name } : { iPAddress: name }));
  return [
    extension(id_ce_basicConstraints, new BasicConstraints({ cA: false }), true),
    extension(id_ce_keyUsage, new KeyUsage(KeyUsageFlags.digitalSignature), true),
    extension(id_ce_extKeyUsage, new ExtendedKeyUsage([id_kp_serverAuth])),
    extension(id_ce_subjectAltName, new SubjectAlternativeName(alternatives)),
  ];
}

function extension(extnID: string, value: object, critical = false): Extension {
  return new Extension({ extnID, critical, extnValue: new OctetString(AsnConvert.serialize(value)) });
}

function nameOf(commonName: string): Name {
  const value = new AttributeValue({ utf8String: commonName });
  return new Name([new RelativeDistinguishedName([new AttributeTypeAndValue({ type: COMMON_NAME, value })])]);
}

/** A positive integer without leading zeros, whatever the bytes are. */
function serialNumber(bytes: Uint8Array): ArrayBuffer {
  const number = Uint8Array.from(bytes);
  number[0] = (number[0]! & 0x7f) | 0x40;
  return number.buffer;
}

/** Method 1 of RFC 5280, 4.2.1.2: SHA-1 of the key's bits. It names the key, and protects nothing. */
function keyIdentifier(key: KeyObject): ArrayBuffer {
  const { subjectPublicKey } = AsnConvert.parse(derOf(key), SubjectPublicKeyInfo);
  return Uint8Array.from(createHash("sha1").update(new Uint8Array(subjectPublicKey)).digest()).buffer;
}

function derOf(key: KeyObject): Uint8Array {
  return key.export({ type: "spki", format: "der" });
}
