import type { ImageDirectory, ImageExplanation, ImageProgramFile } from "#api/engine";
import { formatSize } from "../../values/sizes.ts";
import { ellipsis } from "../ellipsis.ts";
import { alignColumns, type Cell } from "./columns.ts";
import { oneLine, type Style } from "./style.ts";

/** The command, the files it means and the layers they are from; then what is in the working directory. */
export function programSection({ Program, WorkingDirectory, Config }: ImageExplanation, style: Style): string[] {
  const command = Program.Argv.map(quoted).join(" ");
  const user = Config.User ? oneLine(Config.User) : "root";
  const shown = style.truncate ? ellipsis(command, style.columns - 2) : command;
  return [
    ...(command === "" ? [] : [`  ${style.green(shown)}`]),
    `  ${style.dim(`in ${oneLine(WorkingDirectory.Path)}, as ${user}`)}`,
    ...(Program.Problem === undefined ? [] : [`  ${style.red(oneLine(Program.Problem))}`]),
    ...alignColumns(
      Program.Files.map((file) => fileCells(file, style)),
      { indent: 4, right: [3], columns: style.cutAt },
    ),
    ...directoryLines(WorkingDirectory, style),
  ];
}

function fileCells(file: ImageProgramFile, style: Style): Cell[] {
  const { Role, Word, Path, ResolvedPath, Type, Bytes, Layer } = file;
  const path = Path === ResolvedPath ? Path : `${Path} → ${ResolvedPath}`;
  const size = Type === "directory" ? "directory" : formatSize(Bytes);
  return [
    { text: Role, paint: style.dim },
    oneLine(Word),
    oneLine(path),
    size,
    { text: `layer ${Layer}`, paint: style.cyan },
  ];
}

/** The root is everything, which the layers tell. */
function directoryLines({ Path, Exists, Files, Bytes, Layers, Largest }: ImageDirectory, style: Style): string[] {
  if (Path === "/") return [];
  const path = oneLine(Path);
  if (!Exists) return [`  ${path} is not in the image: a container makes it, empty`];
  if (Largest.length === 0) return [`  ${path} is empty`];
  const from = `${Layers.length === 1 ? "layer" : "layers"} ${Layers.join(", ")}`;
  const rows = Largest.map(({ Name, Type, Bytes: bytes, Files: files, Layer }): Cell[] => [
    `${oneLine(Name)}${Type === "directory" ? "/" : ""}`,
    formatSize(bytes),
    Type === "directory" ? `${files} ${files === 1 ? "file" : "files"}` : "",
    { text: `layer ${Layer}`, paint: style.cyan },
  ]);
  return [
    `  ${path} holds ${formatSize(Bytes)} in ${Files} ${Files === 1 ? "file" : "files"}, from ${from}`,
    ...alignColumns(rows, { indent: 4, right: [1] }),
  ];
}

/** As a shell would need it. */
function quoted(word: string): string {
  const text = oneLine(word);
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
