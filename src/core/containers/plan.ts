import { formatPlan } from "#core/runtime";
import type { CreateRequest } from "./containers.ts";
import type { Context } from "./context.ts";
import { draft } from "./create.ts";
import { compileRun } from "./launch.ts";

/** What the kernel would be asked to do for such a container. It is made up to its start, and taken back. */
export async function plan(context: Context, request: CreateRequest): Promise<string> {
  await using undo = new AsyncDisposableStack();
  const { container } = await draft(context, request, undo);
  const compiled = await compileRun(context, container, undo);
  return formatPlan(compiled.plan);
}
