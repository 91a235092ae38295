/** What single values of create flags must look like. Each check gives the value in the form in which it is sent. */
import { EngineError } from "#lib/errors";
import { quote } from "#lib/template";

function invalid(message: string): EngineError {
  return new EngineError("invalid-parameter", message);
}

/** @returns `host:ip`; the forms `host=ip` and an address in brackets are accepted. */
export function checkAddHost(text: string): string {
  const separator = /[=:]/.exec(text)?.index ?? -1;
  if (separator <= 0) throw invalid(`bad format for add-host: ${quote(text)}`);
  const host = text.slice(0, separator);
  const address = text.slice(separator + 1).replace(/^\[(.*)\]$/, "$1");
  if (address !== "host-gateway" && !isIp(address)) throw invalid(`invalid IP address in add-host: ${quote(address)}`);
  return `${host}:${address}`;
}

export function checkStreamName(text: string): string {
  const name = text.toLowerCase();
  if (!["stdin", "stdout", "stderr"].includes(name)) throw invalid("valid streams are STDIN, STDOUT and STDERR");
  return name;
}

export function checkEnv(text: string): string {
  if (text === "" || text.startsWith("=")) throw invalid(`invalid environment variable: ${text}`);
  return text;
}

export function checkLabel(text: string): string {
  if (text.split("=")[0]!.trim() === "") throw invalid(`invalid label '${text}': empty name`);
  return text;
}

export function checkIp(text: string): string {
  if (!isIp(text.trim())) throw invalid(`IP address is not correctly formatted: ${text}`);
  return text.trim();
}

const DOMAIN =
  /^(:?(:?[a-zA-Z0-9]|(:?[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9]))(:?\.(:?[a-zA-Z0-9]|(:?[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])))*)\.?\s*$/;

/** A single dot means no search domain at all. */
export function checkDnsSearch(text: string): string {
  const domain = text.trim();
  if (domain === ".") return domain;
  if (domain.length > 254 || !/[a-zA-Z]/.test(domain) || !DOMAIN.test(domain))
    throw invalid(`${domain} is not a valid domain`);
  return domain;
}

export function checkLink(text: string): string {
  if (text === "") throw invalid("empty string specified for links");
  if (text.split(":").length > 2) throw invalid(`bad format for links: ${text}`);
  return text;
}

const SYSCTLS = [
  "kernel.msgmax",
  "kernel.msgmnb",
  "kernel.msgmni",
  "kernel.sem",
  "kernel.shmall",
  "kernel.shmmax",
  "kernel.shmmni",
  "kernel.shm_rmid_forced",
];

/** Only what belongs to a namespace of the container may be set. */
export function checkSysctl(text: string): string {
  const [name = ""] = text.split("=");
  const allowed = SYSCTLS.includes(name) || name.startsWith("net.") || name.startsWith("fs.mqueue.");
  if (!allowed || !text.includes("=")) throw invalid(`sysctl '${text}' is not allowed`);
  return text;
}

export function isIp(text: string): boolean {
  return isIpv4(text) || isIpv6(text);
}

function isIpv4(text: string): boolean {
  const parts = text.split(".");
  return parts.length === 4 && parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255);
}

function isIpv6(text: string): boolean {
  if (!text.includes(":") || /[^0-9a-fA-F:.]/.test(text)) return false;
  return URL.canParse(`http://[${text}]/`);
}
