/**
 * Does several things at once, and all or none of them: when one fails the others are aborted and waited for. Results come in the
 * order of the works.
 *
 * @throws what failed first
 */
export async function together<T>(
  works: readonly ((signal: AbortSignal) => Promise<T>)[],
  signal?: AbortSignal,
): Promise<T[]> {
  const abort = new AbortController();
  const combined = signal ? AbortSignal.any([signal, abort.signal]) : abort.signal;
  let failure: { readonly error: unknown } | undefined;
  const guarded = works.map((work) =>
    work(combined).catch((error: unknown) => {
      failure ??= { error };
      abort.abort(error);
      throw error;
    }),
  );
  await Promise.allSettled(guarded);
  if (failure) throw failure.error;
  return await Promise.all(guarded);
}
