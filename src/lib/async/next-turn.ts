/**
 * Lets everything else that is ready go first: long computations ask for it now and then. Not `setImmediate`, with which Bun 1.4.5
 * at times sleeps until something else happens, for up to a second.
 */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
