import type { Database } from "#lib/db";
import type { Endpoint, NetworkInfo } from "./network.ts";

/** A predefined network as it is stored. */
export interface NetworkRecord {
  readonly id: string;
  readonly name: string;
  readonly driver: NetworkInfo["driver"];
  readonly createdAt: string;
  /** The gateway on its subnet, `172.17.0.1/16`; empty when it has none (yet). */
  readonly address: string;
}

/** The rows of networks and endpoints. */
export class NetworkStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  networks(): NetworkRecord[] {
    return this.#database.all<NetworkRecord>(
      "SELECT id, name, driver, created_at AS createdAt, address FROM networks ORDER BY name",
    );
  }

  /** Adds a network unless one has its name. */
  addNetwork({ id, name, driver, createdAt, address }: NetworkRecord): void {
    this.#database.run(
      "INSERT INTO networks (id, name, driver, created_at, address) VALUES (?, ?, ?, ?, ?) ON CONFLICT (name) DO NOTHING",
      id,
      name,
      driver,
      createdAt,
      address,
    );
  }

  setAddress(networkID: string, address: string): void {
    this.#database.run("UPDATE networks SET address = ? WHERE id = ? AND address <> ?", address, networkID, address);
  }

  /** By container ID. */
  endpoints(): Map<string, Endpoint> {
    const rows = this.#database.all<{ id: string; endpoint: string }>(
      "SELECT container_id AS id, endpoint FROM endpoints",
    );
    return new Map(rows.map((row) => [row.id, JSON.parse(row.endpoint) as Endpoint]));
  }

  /** Endpoints live as long as the kernel does: they need not survive a power cut. */
  addEndpoint(containerID: string, endpoint: Endpoint): void {
    this.#database.runSoon(
      "INSERT INTO endpoints (container_id, network_id, address, host_interface, endpoint) VALUES (?, ?, ?, ?, ?)",
      containerID,
      endpoint.networkID,
      endpoint.address,
      endpoint.hostInterface,
      JSON.stringify(endpoint),
    );
  }

  removeEndpoint(containerID: string): void {
    this.#database.runSoon("DELETE FROM endpoints WHERE container_id = ?", containerID);
  }
}
