/** The networks of the engine: where containers get their addresses, and how their ports are published. */
export { networkMigrations } from "./migrations.ts";
export type * from "./network.ts";
export { createNetworks, type NetworksConfig, type NetworksOptions, type OwnedNetworks } from "./networks.ts";
