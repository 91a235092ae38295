/** What one client may cost. */
export interface Limits {
  /** Request line and headers together. Go's server allows as much, and build arguments travel in the query. */
  readonly headBytes: number;
  /** From the first byte of a request to the end of its head, and again for the rest of a body that nobody wanted. */
  readonly headTimeoutMs: number;
  /** Between two requests. Longer than the pools of known clients keep a connection (Go: 90 s). */
  readonly idleTimeoutMs: number;
  /** What is read of an unwanted body to save the connection. */
  readonly skipBytes: number;
  /** How long a closed connection waits for the client to close too. */
  readonly lingerMs: number;
  /** Open connections of all listeners together; each attached client holds one or two. */
  readonly connections: number;
}

export const DEFAULT_LIMITS: Limits = {
  headBytes: 1024 * 1024,
  headTimeoutMs: 30_000,
  idleTimeoutMs: 180_000,
  skipBytes: 256 * 1024,
  lingerMs: 500,
  connections: 16_384,
};
