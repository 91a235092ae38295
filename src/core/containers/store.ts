import type { Database, Migration } from "#lib/db";
import type { Container, ContainerID } from "./container.ts";
import { ambiguousPrefix, nameInUse, noSuchContainer } from "./errors.ts";

export const containerMigrations: readonly Migration[] = [
  {
    name: "containers/1",
    sql: `CREATE TABLE containers (
      id TEXT PRIMARY KEY,
      name TEXT NOT NULL UNIQUE,
      image_id TEXT NOT NULL,
      status TEXT NOT NULL,
      record TEXT NOT NULL
    ) WITHOUT ROWID`,
  },
];

/**
 * The container records: durable rows, mirrored in memory, so that reads never wait for the disk. A record is a value;
 * `update` replaces it. A crash undoes no change; that a power cut will not either, `durable` waits for: whoever acknowledges a change
 * awaits it first. Names are reserved before the record exists, so that two creates cannot both get one.
 */
export class ContainerStore {
  readonly #database: Database;
  readonly #byID = new Map<string, Container>();
  /** Name → ID, those of containers still being created included. */
  readonly #names = new Map<string, string>();

  constructor(database: Database) {
    this.#database = database;
    for (const { record } of database.all<{ record: string }>("SELECT record FROM containers")) {
      const container = JSON.parse(record) as Container;
      this.#byID.set(container.id, container);
      this.#names.set(container.name, container.id);
    }
  }

  all(): IterableIterator<Container> {
    return this.#byID.values();
  }

  find(id: ContainerID): Container | undefined {
    return this.#byID.get(id);
  }

  /** The record as it is now. @throws `not-found` */
  get(id: ContainerID): Container {
    const container = this.#byID.get(id);
    if (!container) throw noSuchContainer(id);
    return container;
  }

  /** By full ID, then name, then name by a link, then unique prefix of an ID. @throws `not-found`, `invalid-parameter` */
  resolve(reference: string): Container {
    const name = reference.startsWith("/") ? reference.slice(1) : reference;
    const exact = this.#byID.get(reference) ?? this.#byID.get(this.#names.get(name) ?? "") ?? this.#byLink(name);
    if (exact) return exact;
    if (reference === "") throw noSuchContainer(reference);
    const fitting = [...this.#byID.values()].filter((container) => container.id.startsWith(reference));
    if (fitting.length > 1) throw ambiguousPrefix(reference);
    if (!fitting[0]) throw noSuchContainer(reference);
    return fitting[0];
  }

  /** Takes a name for a container to be; the result gives it back, unless the record was inserted meanwhile. @throws `conflict` */
  reserveName(name: string, id: ContainerID): Disposable {
    const owner = this.#names.get(name);
    if (owner !== undefined) throw nameInUse(name, owner);
    this.#names.set(name, id);
    return {
      [Symbol.dispose]: () => {
        if (this.#byID.get(id)?.name !== name) this.#names.delete(name);
      },
    };
  }

  isNameFree(name: string): boolean {
    return !this.#names.has(name);
  }

  /** Resolves when all changes up to now survive a power cut. */
  durable(): Promise<void> {
    return this.#database.durable();
  }

  /** Writes a record, new or not. Its name has to be reserved or its own. */
  save(container: Container): void {
    this.#write(container);
    this.#byID.set(container.id, container);
  }

  /** Replaces fields of a record and returns it as it is now. @throws `not-found` */
  update(id: ContainerID, changes: Partial<Container>): Container {
    const container = { ...this.get(id), ...changes };
    this.save(container);
    return container;
  }

  /** Renames; `name` has to be reserved for it. */
  rename(id: ContainerID, name: string): Container {
    const before = this.get(id).name;
    const container = this.update(id, { name });
    this.#names.delete(before);
    return container;
  }

  /**
   * Begins a removal: the row is gone for good, the record stays in memory as `changed` until its data are gone too.
   * A crash in between leaves data without a record, which `reconcile` collects, never a record without its data.
   */
  beginRemoval(changed: Container): void {
    this.#database.runSoon("DELETE FROM containers WHERE id = ?", changed.id);
    this.#byID.set(changed.id, changed);
  }

  /** Ends a removal: ID and name are free. */
  endRemoval(id: ContainerID): void {
    const name = this.#byID.get(id)?.name;
    this.#byID.delete(id);
    if (name !== undefined) this.#names.delete(name);
  }

  /** A link's alias after its container's name is one more name of the linked one: `web/db`. */
  #byLink(name: string): Container | undefined {
    const [parentName = "", alias, ...rest] = name.split("/");
    const parent = this.#byID.get(this.#names.get(parentName) ?? "");
    if (rest.length > 0 || !parent?.links) return undefined;
    return this.#byID.get(parent.links.find((link) => link.alias === alias)?.containerID ?? "");
  }

  #write(container: Container): void {
    const { id, name, imageID, state } = container;
    this.#database.runSoon(
      "INSERT INTO containers (id, name, image_id, status, record) VALUES (?, ?, ?, ?, ?) " +
        "ON CONFLICT (id) DO UPDATE SET name = excluded.name, status = excluded.status, record = excluded.record",
      id,
      name,
      imageID,
      state.status,
      JSON.stringify(container),
    );
  }
}
