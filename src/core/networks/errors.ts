/** The words that scripts know from Docker, each in one place. */
import { EngineError } from "#lib/errors";

export function noSuchNetwork(reference: string): EngineError {
  return new EngineError("not-found", `network ${reference} not found`);
}

export function ambiguousNetwork(reference: string, matches: number): EngineError {
  return new EngineError(
    "invalid-parameter",
    `network ${reference} is ambiguous (${matches} matches found based on ID prefix)`,
  );
}

export function poolUsedUp({ id, name }: { id: string; name: string }): EngineError {
  return new EngineError("unavailable", `no available IPv4 addresses on this network's address pools: ${name} (${id})`);
}

/** Why a container's ports could not be published. Docker's status for it is 500, whatever the cause. */
export function cannotPublish(
  { containerName, endpointID }: { containerName: string; endpointID: string },
  cause: EngineError,
): EngineError {
  return new EngineError(
    "internal",
    "failed to set up container networking: driver failed programming external connectivity on endpoint " +
      `${containerName} (${endpointID}): ${cause.message}`,
    { cause },
  );
}
