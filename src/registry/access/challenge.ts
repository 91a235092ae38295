import { errorResponse, RegistryError } from "../errors.ts";
import type { Scope } from "../registry.ts";
import { formatScopes } from "./tokens/scope.ts";

/** How a client is told to show who it is. */
export type Challenge =
  | { readonly scheme: "basic"; readonly realm: string }
  /** `realm` is the address of the token service, as this client reaches it. */
  | { readonly scheme: "bearer"; readonly service: string; realm(request: Request): string };

/** Why a token was not enough (RFC 6750, 3.1). */
export type TokenFault = "invalid_token" | "insufficient_scope";

/** 401 with `WWW-Authenticate`, in the form that Docker's clients read. */
export function challengeResponse(
  challenge: Challenge,
  request: Request,
  { scopes, fault }: { readonly scopes: readonly Scope[]; readonly fault?: TokenFault | undefined },
): Response {
  const detail = scopes.map((scope) =>
    "registry" in scope
      ? { Type: "registry", Name: scope.registry }
      : {
          Type: "repository",
          Name: scope.repository,
          Actions: scope.actions,
        },
  );
  const value =
    challenge.scheme === "basic"
      ? parameters("Basic", { realm: challenge.realm })
      : parameters("Bearer", {
          realm: challenge.realm(request),
          service: challenge.service,
          scope: formatScopes(scopes),
          error: fault ?? "",
        });
  return errorResponse(
    new RegistryError("UNAUTHORIZED", undefined, { detail, headers: { "WWW-Authenticate": value } }),
  );
}

function parameters(scheme: string, values: Readonly<Record<string, string>>): string {
  const given = Object.entries(values).filter(([, value]) => value !== "");
  return `${scheme} ${given.map(([name, value]) => `${name}="${value.replace(/[\\"]/g, "\\$&")}"`).join(",")}`;
}
