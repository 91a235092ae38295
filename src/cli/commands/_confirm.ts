import type { Context } from "../context.ts";

/** Asks the user on the terminal, or whoever writes our input, whether to go on. Only a yes is one. */
export async function confirm({ io }: Context, question: string): Promise<boolean> {
  io.stdout.write(`${question} [y/N] `);
  let answer = "";
  for await (const bytes of io.stdin.read()) {
    answer += new TextDecoder().decode(bytes);
    if (answer.includes("\n")) break;
  }
  return answer.split("\n")[0]!.trim().toLowerCase() === "y";
}
