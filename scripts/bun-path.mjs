// Prints the path of the Bun binary that npm installed. The `bun` package only links to the package of the machine's
// architecture in an install script, and install scripts are off here.
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const require = createRequire(import.meta.url);
const names = process.arch === "arm64" ? ["bun-linux-aarch64"] : ["bun-linux-x64", "bun-linux-x64-baseline"];
for (const name of names) {
  try {
    console.log(join(dirname(require.resolve(`@oven/${name}/package.json`)), "bin", "bun"));
    process.exit(0);
  } catch {
    // The next variant.
  }
}
console.error(`dev: npm installed no Bun for ${process.arch}`);
process.exit(1);
