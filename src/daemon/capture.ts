/** Runs a program of the host to its end, with `input` as its standard input. */
export async function capture(
  argv: readonly string[],
  input = "",
): Promise<{ exitCode: number; stdout: string; stderr: string }> {
  const child = Bun.spawn([...argv], { stdin: Buffer.from(input), stdout: "pipe", stderr: "pipe" });
  const [stdout, stderr, exitCode] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { exitCode, stdout, stderr };
}

export type Capture = typeof capture;
