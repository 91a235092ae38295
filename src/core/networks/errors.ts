/** The words that scripts know from Docker, each in one place. */
import { EngineError } from "#lib/errors";

export function noSuchNetwork(reference: string): EngineError {
  return new EngineError("not-found", `network ${reference} not found`);
}

export function ambiguousNetwork(reference: string): EngineError {
  return new EngineError("invalid-parameter", `network ${reference} is ambiguous (2 matches found on ID prefix)`);
}

export function poolUsedUp(network: { name: string; id: string }): EngineError {
  return new EngineError(
    "unavailable",
    `no available IPv4 addresses on this network's address pools: ${network.name} (${network.id})`,
  );
}

/** Wraps why a container's ports could not be published. */
export function cannotPublish(endpoint: { containerName: string; endpointID: string }, reason: string): EngineError {
  return new EngineError(
    "internal",
    "failed to set up container networking: driver failed programming external connectivity on endpoint " +
      `${endpoint.containerName} (${endpoint.endpointID}): ${reason}`,
  );
}
