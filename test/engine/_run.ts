/** Programs of others, run to their end. */
export interface Output {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export async function run(
  argv: string[],
  options: { env?: Record<string, string>; stdin?: string } = {},
): Promise<Output> {
  const child = Bun.spawn(argv, {
    env: { ...process.env, ...options.env },
    stdin: options.stdin === undefined ? "ignore" : new Response(options.stdin),
    stdout: "pipe",
    stderr: "pipe",
  });
  const [stdout, stderr, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { code, stdout, stderr };
}

/** The same, but anything except exit code 0 is an error; gives stdout, trimmed. */
export async function ok(argv: string[], options: Parameters<typeof run>[1] = {}): Promise<string> {
  const { code, stdout, stderr } = await run(argv, options);
  if (code !== 0) throw new Error(`${argv.join(" ")}: exit code ${code}\n${stdout}${stderr}`);
  return stdout.trim();
}
