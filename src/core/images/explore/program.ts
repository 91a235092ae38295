import type { ImageConfig, ImageProgram, ImageProgramFile } from "#api/engine";
import { type FileStat, type FileTree, readContent } from "#core/snapshots";
import { isKind } from "#lib/errors";
import { type ByteString, byteString, type ResolvedPath, textOf } from "#lib/fs";

const DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/** Longer commands are told, but not looked at whole. */
const MAX_WORDS = 64;
/** BINPRM_BUF_SIZE: as much as the kernel reads of `#!`. */
const SHEBANG_BYTES = 256;
/** As the kernel's own limit on interpreters of interpreters. */
const MAX_INTERPRETERS = 4;
const EXECUTABLE = 0o111;

export interface ProgramInput {
  readonly tree: FileTree;
  readonly config: ImageConfig;
  /** From 1. */
  readonly layerOf: (path: ByteString) => number;
}

type Found = ResolvedPath<FileStat> & { readonly asked: string };

/** Finds the files that a container of the image would run: the program through `PATH`, scripts, what they are given. */
export async function explainProgram(input: ProgramInput): Promise<ImageProgram> {
  const { Entrypoint, Cmd } = input.config;
  const argv = [...(Entrypoint ?? []), ...(Cmd ?? [])];
  const [program] = argv;
  if (program === undefined)
    return { Argv: argv, Files: [], Problem: "the image names no program: give one to run it" };
  const finder = new Finder(input);
  const found = finder.program(program);
  if (found === undefined)
    return { Argv: argv, Files: [], Problem: `the program "${program}" is not in the image, or not executable` };
  const files = [finder.told(program, "program", found), ...(await finder.interpreters(found))];
  const add = (file: ImageProgramFile) => {
    if (!files.some(({ Path }) => Path === file.Path)) files.push(file);
  };
  for (const { word, mayRun } of argumentWords(argv.slice(0, MAX_WORDS), Entrypoint?.length ?? 0)) {
    const run = mayRun ? finder.program(word) : undefined;
    const file = run ?? finder.file(word);
    if (file !== undefined) add(finder.told(word, run === undefined ? "argument" : "program", file));
    if (run !== undefined) for (const interpreter of await finder.interpreters(run)) add(interpreter);
  }
  return { Argv: argv, Files: files };
}

/**
 * The words after the program that may be files. What a shell is told to run is taken apart, as far as words go. The
 * first word of a command behind an entrypoint may be run, too: entrypoints end in `exec "$@"` as a rule.
 */
function argumentWords(argv: readonly string[], entrypoint: number): { word: string; mayRun: boolean }[] {
  const [shell = "", option, script = ""] = argv;
  if (!/(^|\/)(ba|da|a)?sh$/.test(shell) || option !== "-c") {
    return argv.slice(1).map((word, i) => ({ word, mayRun: i + 1 === entrypoint }));
  }
  const words = script.split(/[\s;&|()<>]+/).map((word) => word.replace(/^(["'])(.*)\1$/, "$2"));
  const meant = words.filter((word) => word !== "" && word !== "exec" && !/^\w+=/.test(word)).slice(0, MAX_WORDS);
  return meant.map((word, position) => ({ word, mayRun: position === 0 }));
}

class Finder {
  readonly #input: ProgramInput;
  readonly #workingDirectory: string;
  readonly #path: readonly string[];

  constructor(input: ProgramInput) {
    this.#input = input;
    this.#workingDirectory = input.config.WorkingDir || "/";
    const path = input.config.Env?.find((variable) => variable.startsWith("PATH="))?.slice("PATH=".length);
    this.#path = (path ?? DEFAULT_PATH).split(":");
  }

  program(word: string): Found | undefined {
    if (word.includes("/")) return this.#executable(this.#absolute(word));
    for (const directory of this.#path) {
      const found = this.#executable(this.#absolute(`${directory}/${word}`));
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** What a word means in the working directory: a path, the value of an option, a module of Python. */
  file(word: string): Found | undefined {
    const value = word.startsWith("-") ? word.slice(word.indexOf("=") + 1) : word;
    if (value === "" || value.startsWith("-")) return undefined;
    const module = /^\w+(\.\w+)*(:\w+)?$/.test(value) ? value.replace(/:.*/, "").replaceAll(".", "/") : undefined;
    const modules = module === undefined ? [] : [`${module}.py`, `${module}/__main__.py`, `${module}/__init__.py`];
    for (const candidate of [value, ...modules]) {
      const found = this.#resolve(this.#absolute(candidate));
      if (found !== undefined && found.path !== "/") return found;
    }
    return undefined;
  }

  /** The programs that `#!` in a script leads to. */
  async interpreters(script: Found): Promise<ImageProgramFile[]> {
    const files: ImageProgramFile[] = [];
    let last: Found | undefined = script;
    while (last !== undefined && files.length < MAX_INTERPRETERS) {
      const words: string[] = await this.#shebang(last);
      const word: string | undefined = words[0]?.endsWith("/env") === true ? words.find(isEnvProgram) : words[0];
      last = word === undefined ? undefined : this.program(word);
      if (last !== undefined) files.push(this.told(word!, "interpreter", last));
    }
    return files;
  }

  told(word: string, role: ImageProgramFile["Role"], { asked, path, node }: Found): ImageProgramFile {
    return {
      Word: word,
      Role: role,
      Path: asked,
      ResolvedPath: textOf(path),
      Type: node.type,
      Bytes: node.type === "file" ? node.size : 0,
      Layer: this.#input.layerOf(path),
    };
  }

  async #shebang({ node }: Found): Promise<string[]> {
    const head = await Array.fromAsync(readContent(this.#input.tree, node, { offset: 0, length: SHEBANG_BYTES }));
    const [line = ""] = Buffer.concat(head).toString("latin1").split("\n");
    return line.startsWith("#!") ? line.slice(2).trim().split(/\s+/) : [];
  }

  #executable(path: string): Found | undefined {
    const found = this.#resolve(path);
    return found?.node.type === "file" && (found.node.mode & EXECUTABLE) !== 0 ? found : undefined;
  }

  /** A path that leads round in circles leads nowhere. */
  #resolve(path: string): Found | undefined {
    try {
      const found = this.#input.tree.resolve(byteString(path));
      return found && { ...found, asked: path };
    } catch (error) {
      if (isKind(error, "invalid-parameter")) return undefined;
      throw error;
    }
  }

  #absolute(path: string): string {
    const whole = path.startsWith("/") ? path : `${this.#workingDirectory}/${path}`;
    return `/${whole
      .split("/")
      .filter((part) => part !== "" && part !== ".")
      .join("/")}`;
  }
}

/** `env` takes options and variables before its program. */
function isEnvProgram(word: string, position: number): boolean {
  return position > 0 && !word.startsWith("-") && !word.includes("=");
}
