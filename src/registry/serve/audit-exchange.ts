import type { AuditRecord } from "../access/audit.ts";
import type { Exchange, ServedRoute } from "./exchange.ts";

/** User agents are the client's to write: no line shall be long for it. */
const LONGEST_AGENT = 200;
/** Of a path that fits no route; those that do are limited by the grammar of names. */
const LONGEST_PATH = 1024;

/** The line of an audit log for what happened; undefined for health and metrics, which nobody asks about. */
export function auditRecord(exchange: Exchange, time: Date): AuditRecord | undefined {
  const { request, path, route, peer, principal, response } = exchange;
  if (route.kind === "health" || route.kind === "metrics") return undefined;
  const digest = response.headers.get("docker-content-digest");
  const userAgent = request.headers.get("user-agent");
  return {
    time: time.toISOString(),
    user: principal?.name ?? null,
    address: peer.address,
    action: actionOf(request.method, route),
    method: request.method,
    // Without the query, where clients may put what is nobody's business.
    path: path.slice(0, LONGEST_PATH),
    ...("repository" in route ? { repository: route.repository.slice(0, LONGEST_PATH) } : {}),
    ...("reference" in route ? { reference: route.reference.slice(0, LONGEST_PATH) } : {}),
    ...(digest === null ? {} : { digest }),
    status: response.status,
    ...(userAgent === null ? {} : { userAgent: userAgent.slice(0, LONGEST_AGENT) }),
  };
}

function actionOf(method: string, { kind }: ServedRoute): string {
  if (kind === "token" || kind === "ping") return "login";
  if (kind === "catalog" || kind === "tags" || kind === "referrers") return "list";
  if (kind === "uploads" || kind === "upload") return "push";
  if (kind !== "manifest" && kind !== "blob") return "other";
  if (method === "DELETE") return "delete";
  return method === "GET" || method === "HEAD" ? "pull" : "push";
}
