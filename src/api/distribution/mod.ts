/** The names of images: Docker's reference grammar. */
export { familiarMatch } from "./match.ts";
export {
  familiarName,
  familiarReference,
  formatReference,
  parseDigestOrReference,
  parseReference,
  parseTag,
  type Reference,
  type RepositoryName,
  repositoryOf,
  splitRepository,
  type Tag,
  withDefaultTag,
} from "./reference.ts";
