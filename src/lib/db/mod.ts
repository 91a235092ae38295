/** SQLite as the engine uses it: the only place that knows `bun:sqlite`. */
export { Database, type Migration, openDatabase, type Row, type SqlValue } from "./database.ts";
