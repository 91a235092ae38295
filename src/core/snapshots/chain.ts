import { digestOf } from "#core/content";
import type { ChainID, DiffID } from "./snapshot.ts";

/** Names a stack of layers (image-spec, "Layer ChainID"). The empty stack has a name too: the digest of nothing. */
export function chainIDOf(chain: readonly DiffID[]): ChainID {
  const [bottom, ...rest] = chain;
  if (bottom === undefined) return digestOf("") as string as ChainID;
  return rest.reduce<string>((below, diffID) => digestOf(`${below} ${diffID}`), bottom) as ChainID;
}
