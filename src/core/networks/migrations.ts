import type { Migration } from "#lib/db";

/**
 * `networks` gives the predefined networks identifiers that last. An endpoint exists from before its container
 * starts until after it ended; its row is what keeps its address and ports from being given out twice.
 */
export const networkMigrations: readonly Migration[] = [
  {
    name: "networks/1",
    sql: `
      CREATE TABLE networks (
        name TEXT PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        driver TEXT NOT NULL,
        created_at TEXT NOT NULL,
        -- the gateway on its subnet, "172.17.0.1/16"; empty for host and none
        address TEXT NOT NULL
      ) WITHOUT ROWID;
      CREATE TABLE endpoints (
        container_id TEXT PRIMARY KEY,
        network_id TEXT NOT NULL REFERENCES networks (id),
        address TEXT NOT NULL,
        host_interface TEXT NOT NULL UNIQUE,
        -- the whole Endpoint, as JSON
        endpoint TEXT NOT NULL,
        UNIQUE (network_id, address)
      ) WITHOUT ROWID;`,
  },
];
