import { invalidChange } from "./instructions.ts";

const PROTOCOLS = ["tcp", "udp", "sctp"];
const PORT_LIMIT = 65_535;

/** `80`, `53/udp`, `8000-8010`: each port on its own, as `80/tcp`. */
export function parseExposedPorts(text: string): string[] {
  const [range = "", protocol = "tcp"] = text.split("/", 2);
  const match = /^([0-9]{1,5})(?:-([0-9]{1,5}))?$/.exec(range);
  const first = Number(match?.[1]);
  const last = Number(match?.[2] ?? match?.[1]);
  if (!match || last > PORT_LIMIT || first > last) throw invalidChange(`Invalid containerPort: ${range}`);
  const name = protocol.toLowerCase();
  if (!PROTOCOLS.includes(name)) throw invalidChange(`Invalid proto: ${protocol}`);
  return Array.from({ length: last - first + 1 }, (_, offset) => `${first + offset}/${name}`);
}
