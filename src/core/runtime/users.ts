/**
 * Users and groups as a container's own files say (moby/sys/user, which Docker and runc read them with). The files come
 * from the image, so they may hold anything.
 */
import { invalid } from "./errors.ts";
import type { ResolvedUser } from "./types.ts";

export interface UserFiles {
  /** Content of /etc/passwd and /etc/group; undefined where there is none. */
  readonly passwd: Uint8Array | undefined;
  readonly group: Uint8Array | undefined;
}

/** The kernel takes ids up to 2^32 - 2, Docker's files up to here. */
const ID_LIMIT = 2 ** 31 - 1;

interface User {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

interface Group {
  readonly name: string;
  readonly gid: number;
  readonly members: readonly string[];
}

/**
 * Finds who `USER[:GROUP]` is. Both may be names or numbers; a number needs no entry. Without a group it is the user's own,
 * together with every group that lists the user; with one, that alone. `groupAdd` comes on top.
 *
 * @throws `invalid-parameter` `unable to find user x: no matching entries in passwd file` and the like
 */
export function resolveUser(spec: string, files: UserFiles, groupAdd: readonly string[] = []): ResolvedUser {
  const [userPart = "", groupPart = ""] = spec.split(":", 2);
  const users = parsePasswd(files.passwd);
  const groups = parseGroup(files.group);
  const wanted = userPart === "" ? "0" : userPart;
  const number = idNumber(wanted);
  const user = users.find((entry) => entry.uid === number || entry.name === wanted);
  if (!user && number === undefined) throw noUser(wanted);
  const uid = user?.uid ?? checkedId(number ?? 0);
  const name = user?.name ?? userPart;
  const own = groupPart === "" ? memberships(groups, name) : [];
  const gid = groupPart === "" ? (user?.gid ?? 0) : groupId(groupPart, groups);
  return { uid, gid, groups: unique([...own, ...additionalGroups(groupAdd, groups)]), home: user?.home || "/" };
}

function memberships(groups: readonly Group[], name: string): number[] {
  return groups.filter(({ members }) => name !== "" && members.includes(name)).map(({ gid }) => gid);
}

function additionalGroups(names: readonly string[], groups: readonly Group[]): number[] {
  return names.map((name) => groupId(name, groups));
}

function groupId(text: string, groups: readonly Group[]): number {
  const number = idNumber(text);
  const found = groups.find((entry) => entry.gid === number || entry.name === text);
  if (!found && number === undefined) throw noGroup(text);
  return found?.gid ?? checkedId(number ?? 0);
}

function noUser(name: string): Error {
  return invalid(`unable to find user ${name}: no matching entries in passwd file`);
}

function noGroup(name: string): Error {
  return invalid(`unable to find group ${name}: no matching entries in group file`);
}

function idNumber(text: string): number | undefined {
  return /^\d+$/.test(text) ? Number(text) : undefined;
}

function checkedId(id: number): number {
  if (id > ID_LIMIT) throw invalid(`uids and gids must be in range 0-${ID_LIMIT}`);
  return id;
}

function unique(ids: readonly number[]): number[] {
  return [...new Set(ids)];
}

function parsePasswd(content: Uint8Array | undefined): User[] {
  return records(content).flatMap(([name = "", , uid, gid, , home = ""]) => {
    const ids = validIds(uid, gid);
    return ids ? [{ name, uid: ids[0], gid: ids[1], home }] : [];
  });
}

function parseGroup(content: Uint8Array | undefined): Group[] {
  return records(content).flatMap(([name = "", , gid, members = ""]) => {
    const ids = validIds(gid, gid);
    return ids ? [{ name, gid: ids[0], members: members.split(",") }] : [];
  });
}

/** Lines of colon-separated fields. A line whose ids are no numbers is nobody's. */
function records(content: Uint8Array | undefined): string[][] {
  const lines = new TextDecoder().decode(content ?? new Uint8Array()).split("\n");
  return lines
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => line.split(":"));
}

function validIds(first = "", second = ""): [number, number] | undefined {
  const ids = [idNumber(first), idNumber(second)] as const;
  const [a, b] = ids;
  return a === undefined || b === undefined || a > ID_LIMIT || b > ID_LIMIT ? undefined : [a, b];
}
